// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"
)

// tarball writes an archive with one file of the given name.
func tarball(t *testing.T, name, text string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "x.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func TestExtractResults(t *testing.T) {
	folder := t.TempDir()
	if err := extractResults(tarball(t, "a/test.log", "PASS"), folder); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(folder, "a/test.log")); err != nil || string(got) != "PASS" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestExtractResultsStaysInside(t *testing.T) {
	if err := extractResults(tarball(t, "../x", "y"), t.TempDir()); err == nil {
		t.Error("a path outside of the folder was accepted")
	}
}
