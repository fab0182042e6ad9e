// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// attacker is the owner of a directory who keeps replacing the names in it by symbolic and hard links to a file of
// root elsewhere.
type attacker struct {
	dir, target string
	planted     atomic.Int64
}

func (a *attacker) run(stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		a.replace("trace.log", i)
		a.replaceOld(i)
	}
}

// replace replaces a file by a symbolic or a hard link.
func (a *attacker) replace(name string, i int) {
	path := filepath.Join(a.dir, name)
	if i%3 != 0 {
		_ = os.Remove(path) // it may not be there
	}
	plant := os.Symlink
	if i%4 == 0 {
		plant = os.Link
	}
	if plant(a.target, path) == nil {
		a.planted.Add(1)
	}
}

// replaceOld replaces backups, and the temporary files of their compression.
func (a *attacker) replaceOld(i int) {
	list, _ := os.ReadDir(a.dir) // the directory exists
	for n, e := range list {
		if !strings.HasSuffix(e.Name(), ".log") || e.Name() == "trace.log" {
			continue
		}
		a.replace(e.Name()+packed+partSuffix, i+n)
		if n%2 == i%2 {
			a.replace(e.Name(), i+n)
		}
	}
}

const rotations = 200

// TestDirectoryOwnerCannotRedirectOutput checks that the file elsewhere keeps its content, owner and mode, and is
// not copied to the directory.
func TestDirectoryOwnerCannotRedirectOutput(t *testing.T) {
	ktest.Root(t)
	const secret = "root:secret"
	target := write(t, filepath.Join(t.TempDir(), "target"), secret)
	dir := theirs(t)
	file := give(t, write(t, filepath.Join(dir, "trace.log"), ""))
	f := openOK(t, file, Rotation{MaxSize: 1, MaxBackups: 5, Compress: true})
	a := attacker{dir: dir, target: target}
	stop, done := make(chan struct{}), make(chan struct{})
	go a.run(stop, done)
	rotateOften(t, f)
	close(stop)
	<-done
	t.Logf("%d links planted during %d rotations", a.planted.Load(), rotations)
	if a.planted.Load() == 0 {
		t.Error("nothing was attacked")
	}
	checkUntouched(t, target, secret)
	checkNotRead(t, dir, secret)
}

// rotateOften writes and rotates. It accepts only errBusy, which the attacker can cause for files in the directory.
func rotateOften(t *testing.T, f *File) {
	t.Helper()
	r := f.WriteCloser.(*rotator)
	for i := range rotations {
		if _, err := fmt.Fprintf(f, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
		if err := r.rotate(); err != nil && !errors.Is(err, errBusy) {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Logf("at the end: %v", err)
	}
}

func checkUntouched(t *testing.T, target, want string) {
	t.Helper()
	got, err := os.ReadFile(target)
	if err != nil || string(got) != want {
		t.Errorf("the file elsewhere contains %q, %v", got, err)
	}
	info, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 0 || s.Mode != unix.S_IFREG|0o600 {
		t.Errorf("the file elsewhere has owner %d and mode %#o", s.Uid, s.Mode)
	}
}

// checkNotRead checks that no file in the attacker's directory contains the secret, except hard links to it.
func checkNotRead(t *testing.T, dir, secret string) {
	t.Helper()
	for _, name := range namesIn(t, dir) {
		path := filepath.Join(dir, name)
		if mode := modeOf(t, path); !mode.IsRegular() || linksOf(t, path) > 1 {
			continue
		}
		text, err := unpacked(path)
		if err != nil {
			t.Logf("%s: %v", name, err)
		}
		if strings.Contains(text, secret) {
			t.Errorf("%s contains the secret", name)
		}
	}
}
