// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestIncompleteCompressedFileHasNoName checks that nothing is left if the process is killed during
// compression, and that giveName replaces a link instead of following it.
func TestIncompleteCompressedFileHasNoName(t *testing.T) {
	dir := t.TempDir()
	k := keeperOf(t, dir, Rotation{Compress: true})
	file, unnamed, err := k.createPart("part")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !unnamed {
		t.Skipf("the file system of %s has no files without a name", dir)
	}
	if got := namesIn(t, dir); len(got) != 0 {
		t.Errorf("files %q, want none", got)
	}
	elsewhere := write(t, filepath.Join(t.TempDir(), "elsewhere"), "kept")
	_, writeErr := file.WriteString("content")
	if err := errors.Join(writeErr, os.Symlink(elsewhere, filepath.Join(dir, "part")), k.giveName(file, "part")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "part"))
	if mode := modeOf(t, filepath.Join(dir, "part")); string(text) != "content" || err != nil || mode != privateMode {
		t.Errorf("%q, mode %v, %v", text, mode, err)
	}
	if text, err := os.ReadFile(elsewhere); string(text) != "kept" || err != nil {
		t.Errorf("the file elsewhere has %q, %v", text, err)
	}
}

// TestCreateOver checks the fallback for file systems without O_TMPFILE: an existing file, here a link, is replaced
// and not followed.
func TestCreateOver(t *testing.T) {
	dir := t.TempDir()
	k := keeperOf(t, dir, Rotation{Compress: true})
	elsewhere := write(t, filepath.Join(t.TempDir(), "elsewhere"), "kept")
	if err := unix.Symlink(elsewhere, filepath.Join(dir, "part")); err != nil {
		t.Fatal(err)
	}
	file, err := k.createOver("part")
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("content")
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(elsewhere); string(text) != "kept" || err != nil {
		t.Errorf("the file elsewhere has %q, %v", text, err)
	}
}
