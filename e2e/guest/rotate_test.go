// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packets is the number of packets in the rotation tests. Their dumps fill several megabytes.
const packets = 2500

// stale is the name of an old file, of an earlier run.
const stale = "trace-2020-01-02T03-04-05.000.json"

// TestRotation checks that no line is lost or split between files of one megabyte, that old files are
// compressed, and that files older than a day are deleted.
func TestRotation(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, stale), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, text := rotated(t, folder, "--output-file-compress", "--output-file-max-age", "1")
	packed := slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !strings.HasSuffix(name, ".gz") })
	if len(files) < 3 || len(packed) != len(files)-1 {
		t.Errorf("%d files, want several, of which all but the last are compressed: %v", len(files), files)
	}
	if strings.Contains(strings.Join(files, " "), strings.TrimSuffix(stale, ".json")) {
		t.Errorf("the file of 2020 is still there: %v", files)
	}
	if tr := parse(t, text); len(tr.events) != packets || tr.summary.Lost != 0 {
		t.Errorf("%d events in the files, want %d, and %s", len(tr.events), packets, tr.summary)
	}
}

// TestRotationKeepsFew checks that --output-file-max-backups 1 keeps one old file in addition to the current one.
func TestRotationKeepsFew(t *testing.T) {
	files, text := rotated(t, t.TempDir(), "--output-file-max-backups", "1")
	if len(files) != 2 {
		t.Errorf("%d files, want 2: %v", len(files), files)
	}
	if lines := strings.Count(text, "\n"); lines == 0 || lines >= packets || !strings.Contains(text, `"type":"summary"`) {
		t.Errorf("%d lines kept of %d", lines, packets)
	}
}

// rotated traces the packets, and returns the names and the contents of the files.
func rotated(t *testing.T, folder string, args ...string) (files []string, all string) {
	t.Helper()
	args = append(args, "--output-json", "--output-file", filepath.Join(folder, "trace.json"), "--output-file-max-size", "1", "--output-skb")
	s := newStream(t, nil, args...)
	s.send(packets)
	s.stopText()
	return contents(t, folder)
}

// contents returns the names of all files and their unpacked text. It checks that none is larger than
// the maximum, and that each ends with a complete line.
func contents(t *testing.T, folder string) (files []string, all string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := plain(filepath.Join(folder, e.Name()))
		if err != nil || len(text) > 1<<20 || !strings.HasSuffix(text, "}\n") {
			t.Errorf("%s has %d bytes, %v", e.Name(), len(text), err)
		}
		files, all = append(files, e.Name()), all+text
	}
	return files, all
}

// plain returns the text of a file, uncompressed if its name ends with .gz.
func plain(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil || !strings.HasSuffix(file, ".gz") {
		return string(raw), err
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), errors.Join(err, r.Close())
}
