// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fill writes numbered lines as an exporter does, in pieces of whole lines, and closes the file. It returns the
// number of lines.
func fill(t *testing.T, w io.WriteCloser, bytes int) (lines int) {
	t.Helper()
	for written := 0; written < bytes; {
		var piece []byte
		for len(piece) < 64<<10 {
			piece = fmt.Appendf(piece, "begin %d end\n", lines)
			lines++
		}
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
		written += len(piece)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return lines
}

func openOK(t *testing.T, path string, r Rotation) *File {
	t.Helper()
	f, err := Open(t.Context(), path, Options{Rotation: r})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// wholeLines counts the lines of a file, and checks that each is complete.
func wholeLines(t *testing.T, r io.Reader) (lines int) {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "begin ") || !strings.HasSuffix(line, " end\n") {
			t.Errorf("a line is cut: %q", line)
		}
		lines++
	}
	return lines
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // only read from
	return f
}

func TestRotatedFilesHaveWholeLines(t *testing.T) {
	dir := t.TempDir()
	want := fill(t, openOK(t, filepath.Join(dir, "trace.log"), Rotation{MaxSize: 1}), 5<<19)
	paths, err := filepath.Glob(filepath.Join(dir, "trace*.log"))
	if err != nil || len(paths) != 3 {
		t.Fatalf("files %v (%v), want three", paths, err)
	}
	got := 0
	for _, path := range paths {
		got += wholeLines(t, open(t, path))
	}
	if got != want {
		t.Errorf("%d lines in the files, %d were written", got, want)
	}
}

// TestOlderFilesAreCompressedWhenClosed checks that Close waits for the compression.
func TestOlderFilesAreCompressedWhenClosed(t *testing.T) {
	dir := t.TempDir()
	want := fill(t, openOK(t, filepath.Join(dir, "trace.log"), Rotation{MaxSize: 1, Compress: true}), 3<<19)
	packed, err := filepath.Glob(filepath.Join(dir, "trace-*.log.gz"))
	if err != nil || len(packed) != 1 || entries(t, dir) != 2 {
		t.Fatalf("compressed files %v (%v) among %d, want one of two", packed, err, entries(t, dir))
	}
	z, err := gzip.NewReader(open(t, packed[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got := wholeLines(t, z) + wholeLines(t, open(t, filepath.Join(dir, "trace.log"))); got != want {
		t.Errorf("%d lines in the files, %d were written", got, want)
	}
}

func TestMaxBackupsAreKept(t *testing.T) {
	dir := t.TempDir()
	fill(t, openOK(t, filepath.Join(dir, "trace.log"), Rotation{MaxSize: 1, MaxBackups: 1}), 7<<19)
	if n := entries(t, dir); n != 2 {
		t.Errorf("%d files, want the last one and the one before", n)
	}
}

func TestAnExistingFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.log")
	if err := os.WriteFile(path, []byte("begin 0 end\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := 1 + fill(t, openOK(t, path, Rotation{}), 1)
	if got := wholeLines(t, open(t, path)); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v (%v)", info.Mode(), err)
	}
}

func TestRotationKeepsLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link.log")
	if err := os.Symlink("real.log", link); err != nil {
		t.Fatal(err)
	}
	fill(t, openOK(t, link, Rotation{MaxSize: 1}), 3<<19)
	if target, err := os.Readlink(link); target != "real.log" {
		t.Errorf("the link leads to %q (%v)", target, err)
	}
	if old, err := filepath.Glob(filepath.Join(dir, "real-*.log")); len(old) != 1 {
		t.Errorf("older files %v (%v), want one", old, err)
	}
}

// TestADeviceIsNotRotated checks that /dev/null is not renamed to a backup.
func TestADeviceIsNotRotated(t *testing.T) {
	w := openOK(t, os.DevNull, Rotation{MaxSize: 1})
	if w.Special() == nil {
		t.Fatalf("%s would be rotated", os.DevNull)
	}
	fill(t, w, 3<<19)
}
