// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"tracer/internal/capture"
	"tracer/internal/event"
)

// recorded records n events and a summary with a target in an empty directory, and returns the names of the files.
func recorded(t *testing.T, target RecordingTarget, n int) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	target.Path = filepath.Join(dir, "t.pcapng")
	record(t, target, n)
	return dir, filesIn(t, dir)
}

func record(t *testing.T, target RecordingTarget, n int) {
	t.Helper()
	r, err := OpenRecording(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(capture.Run{}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := r.Take(&event.Event{Kind: event.Function, Time: uint64(i) * uint64(time.Second), Names: event.Names{Func: "ip_rcv"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(r.Take(&event.Event{Kind: event.Summary, Totals: &event.Totals{}}), r.Flush(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, error %v", e.Name(), info.Mode(), err)
		}
	}
	return names
}

// eventsIn counts the events of a file, which must be complete.
func eventsIn(t *testing.T, in io.Reader) (n int) {
	t.Helper()
	r, err := capture.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == event.Function {
			n++
		}
	}
}

func TestRecordingIsRotated(t *testing.T) {
	for name, c := range map[string]struct {
		target RecordingTarget
		files  int
	}{
		"never":                  {RecordingTarget{}, 1},
		"by number":              {RecordingTarget{MaxEvents: 25}, 4},
		"by time":                {RecordingTarget{MaxTime: 50 * time.Second}, 2},
		"by time, keep one":      {RecordingTarget{MaxTime: 10 * time.Second, MaxBackups: 1}, 2},
		"by number, one is full": {RecordingTarget{MaxEvents: 100}, 1},
	} {
		dir, names := recorded(t, c.target, 100)
		if len(names) != c.files {
			t.Errorf("%s: %q, want %d files", name, names, c.files)
		}
		sum := 0
		for _, file := range names {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			sum += eventsIn(t, bytes.NewReader(data))
		}
		if c.target.MaxBackups == 0 && sum != 100 {
			t.Errorf("%s: the files have %d events", name, sum)
		}
	}
}

// TestRecordingIsRotatedBySize checks that files do not get much larger than the limit.
func TestRecordingIsRotatedBySize(t *testing.T) {
	dir, names := recorded(t, RecordingTarget{MaxSize: 1}, 40_000)
	if len(names) < 3 {
		t.Errorf("%q", names)
	}
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() > 1<<20+1<<17 {
			t.Errorf("%s has %d bytes, error %v", name, info.Size(), err)
		}
	}
}

func TestRecordingIsCompressed(t *testing.T) {
	dir, names := recorded(t, RecordingTarget{Compress: true, MaxEvents: 60}, 100)
	for _, name := range names {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		d, err := zstd.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if n := eventsIn(t, d); n != 60 && n != 40 {
			t.Errorf("%s has %d events", name, n)
		}
	}
}

// TestOlderRecordingIsKept checks that a second run does not append to a recording, and does not overwrite it.
func TestOlderRecordingIsKept(t *testing.T) {
	target := RecordingTarget{Path: filepath.Join(t.TempDir(), "t.pcapng")}
	record(t, target, 3)
	record(t, target, 5)
	if names := filesIn(t, filepath.Dir(target.Path)); len(names) != 2 {
		t.Errorf("%q", names)
	}
	data, err := os.ReadFile(target.Path)
	if err != nil {
		t.Fatal(err)
	}
	if n := eventsIn(t, bytes.NewReader(data)); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
}

// TestFlushedRecordingIsReadable checks that all events are readable after a flush, without an end, as after a kill.
func TestFlushedRecordingIsReadable(t *testing.T) {
	for _, compress := range []bool{false, true} {
		var out bytes.Buffer
		r, err := OpenRecording(t.Context(), RecordingTarget{Path: StdoutPath, Stdout: &out, Compress: compress})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Begin(capture.Run{}); err != nil {
			t.Fatal(err)
		}
		for range 7 {
			if err := r.Take(&event.Event{Kind: event.Function}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(r.Take(&event.Event{Kind: event.Lost, Loss: &event.Loss{Count: 2}}), r.Flush()); err != nil {
			t.Fatal(err)
		}
		var in io.Reader = bytes.NewReader(out.Bytes())
		if compress {
			if in, err = zstd.NewReader(in); err != nil {
				t.Fatal(err)
			}
		}
		reader, err := capture.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for err == nil {
			if _, err = reader.Next(); err == nil {
				n++
			}
		}
		if n != 8 {
			t.Errorf("compressed %t: %d events and markers, want 8; error %v", compress, n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordingErrorNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "t.pcapng")
	if _, err := OpenRecording(t.Context(), RecordingTarget{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}
