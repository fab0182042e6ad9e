// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

func deferOK(t *testing.T, path string) *Deferred {
	t.Helper()
	d, err := Defer(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestADeferredFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	d := deferOK(t, path)
	old := unix.Umask(0o777)
	err := d.Create()
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	if mode := modeOf(t, path); mode != 0o600 {
		t.Errorf("mode %v", mode)
	}
}

// TestADeferredFileHasNoTemporaryFile checks that the directory is empty before Create, so that a killed process
// leaves no file.
func TestADeferredFileHasNoTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "ready"), "")
	deferOK(t, path)
	if n := entries(t, dir); n != 0 {
		t.Errorf("%d files are there", n)
	}
}

func TestADeferredFileReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	target := write(t, filepath.Join(dir, "target"), "secret")
	fifo := filepath.Join(dir, "fifo")
	if err := errors.Join(os.Mkdir(dir+"/dir", 0o700), unix.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir + "/dir":                       "is a directory",
		dir + "/dir/":                      "is a directory",
		".":                                "is a directory",
		link(t, target, dir+"/link"):       "is a symbolic link",
		link(t, dir+"/no", dir+"/dangles"): "is a symbolic link",
		fifo:                               "is a FIFO",
		"/dev/null":                        "is a device",
		target:                             "has 6 bytes",
		dir + "/no/ready":                  "no such file or directory",
	} {
		before := entries(t, dir)
		if _, err := Defer(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
		if entries(t, dir) != before {
			t.Errorf("%s: a file was removed", path)
		}
	}
}

// TestADeferredFileIsNotRedirected checks a link that the owner of the directory creates between Defer and Create.
func TestADeferredFileIsNotRedirected(t *testing.T) {
	ktest.Root(t)
	dir := theirs(t)
	target := write(t, filepath.Join(t.TempDir(), "target"), "root:secret")
	path := filepath.Join(dir, "ready")
	d := deferOK(t, path)
	give(t, link(t, target, path))
	if err := d.Create(); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Errorf("error %v, want that a link is there", err)
	}
	checkUntouched(t, target, "root:secret")
}

func TestCreatableWithoutPermission(t *testing.T) {
	ktest.Root(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "ready"), "")
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	d := deferOK(t, path)
	err := asNobody(t, d.Creatable)
	if !errors.Is(err, unix.EACCES) {
		t.Errorf("error %v, want that permission is denied", err)
	}
}

// asNobody calls f on a thread with the uid of somebody.
func asNobody(t *testing.T, f func() error) error {
	t.Helper()
	result := make(chan error, 1)
	go func() { // the thread ends with the goroutine
		lockForGood()
		result <- errors.Join(setUser(somebody), f())
	}()
	return <-result
}
