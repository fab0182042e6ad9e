// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tracer/internal/event"
)

// rotated returns the files of a run with n events, of which each but the last has three.
func rotated(t *testing.T, r Run, n int) (files [][]byte) {
	t.Helper()
	w, err := NewWriter(r)
	if err != nil {
		t.Fatal(err)
	}
	var begin []byte
	for i := range n {
		if i > 0 && i%3 == 0 {
			end, err := w.Next()
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, slices.Concat(begin, end))
			begin = bytes.Clone(w.Data())
			w.Reset()
		}
		if err := w.Take(&event.Event{Kind: event.Function, Time: uint64(i), Names: event.Names{Func: "ip_rcv"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Take(&event.Event{Kind: event.Summary, Totals: &event.Totals{Matched: uint64(n), Printed: uint64(n)}}); err != nil {
		t.Fatal(err)
	}
	return append(files, slices.Concat(begin, w.Data()))
}

// readSet returns the times of the events, the totals and the warnings.
func readSet(t *testing.T, files ...[]byte) (times []uint64, totals *event.Totals, warnings []string) {
	t.Helper()
	var inputs []Input
	for _, f := range files {
		inputs = append(inputs, Input{"f", bytes.NewReader(f)})
	}
	s, err := Open(inputs)
	if err != nil {
		t.Fatal(err)
	}
	s.Warn = func(text string) { warnings = append(warnings, text) }
	for {
		e, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return times, totals, warnings
		case err != nil:
			t.Fatal(err)
		case e.Kind == event.Summary:
			totals = e.Totals
		default:
			times = append(times, e.Time)
		}
	}
}

func TestRotatedSet(t *testing.T) {
	f := rotated(t, testRun, 10)
	for name, c := range map[string]struct {
		files    [][]byte
		times    []uint64
		totals   *event.Totals
		warnings int
	}{
		"all, in another order": {[][]byte{f[3], f[1], f[0], f[2]}, []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, &event.Totals{Matched: 10}, 0},
		"without the first":     {f[1:], []uint64{3, 4, 5, 6, 7, 8, 9}, &event.Totals{Matched: 10, Suppressed: 3}, 1},
		"without one between":   {[][]byte{f[0], f[2], f[3]}, []uint64{0, 1, 2, 6, 7, 8, 9}, &event.Totals{Matched: 10, Suppressed: 3}, 1},
		"without the last":      {f[:2], []uint64{0, 1, 2, 3, 4, 5}, nil, 1},
		"only one between":      {f[1:2], []uint64{3, 4, 5}, nil, 2},
	} {
		times, totals, warnings := readSet(t, c.files...)
		if !slices.Equal(times, c.times) || len(warnings) != c.warnings {
			t.Errorf("%s: events %d, warnings %q", name, times, warnings)
		}
		if (totals == nil) != (c.totals == nil) || totals != nil && (totals.Matched != c.totals.Matched || totals.Suppressed != c.totals.Suppressed) {
			t.Errorf("%s: totals %+v, want %+v", name, totals, c.totals)
		}
	}
}

// TestSeveralRuns checks that the events of two runs follow each other, with one summary.
func TestSeveralRuns(t *testing.T) {
	later := testRun
	later.Start += 1000
	first, second := rotated(t, testRun, 4), rotated(t, later, 5)
	times, totals, warnings := readSet(t, slices.Concat(second, first)...)
	if !slices.Equal(times, []uint64{0, 1, 2, 3, 0, 1, 2, 3, 4}) || totals.Matched != 9 || len(warnings) != 0 {
		t.Errorf("events %d, totals %+v, warnings %q", times, totals, warnings)
	}
}

func TestCompressed(t *testing.T) {
	data := rotated(t, testRun, 3)[0]
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zst.Bytes()} {
		if times, totals, _ := readSet(t, b); len(times) != 3 || totals == nil {
			t.Errorf("%s: events %d, totals %+v", name, times, totals)
		}
	}
}

// TestErrorNamesTheFile checks the error of a truncated file.
func TestErrorNamesTheFile(t *testing.T) {
	data := rotated(t, testRun, 3)[0]
	s, err := Open([]Input{{`"t.pcapng"`, bytes.NewReader(data[:len(data)-2])}})
	for err == nil {
		_, err = s.Next()
	}
	if !strings.HasPrefix(err.Error(), `"t.pcapng": at byte `) || !errors.Is(err, ErrTruncated) {
		t.Error(err)
	}
}
