// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// somebody is the uid and gid of another user: nobody.
const somebody = 65534

// give changes the owner of a file, directory or link to somebody.
func give(t *testing.T, path string) string {
	t.Helper()
	if err := os.Lchown(path, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	return path
}

// theirs returns a directory that belongs to somebody.
func theirs(t *testing.T) string {
	t.Helper()
	return give(t, t.TempDir())
}

func link(t *testing.T, target, path string) string {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openError returns the error of Open. The test fails if there is none.
func openError(t *testing.T, path string) error {
	t.Helper()
	f, err := Open(t.Context(), path, Options{})
	if err == nil {
		t.Errorf("%s was opened", path)
		return errors.Join(errors.New("none"), f.Close())
	}
	return err
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestNewFilesArePrivate(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		old := unix.Umask(umask)
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f := openOK(t, filepath.Join(dir, "trace.log"), Rotation{MaxSize: 1})
		fill(t, f, 3<<19)
		unix.Umask(old)
		for _, name := range namesIn(t, dir) {
			if mode := modeOf(t, filepath.Join(dir, name)); mode != 0o600 {
				t.Errorf("umask %#o: %s has mode %v", umask, name, mode)
			}
		}
	}
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestInvalidOutputFilesAreRejected(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	loop := filepath.Join(dir, "loop")
	link(t, "loop", loop)
	for path, want := range map[string]string{
		".":                    "is a directory",
		"..":                   "is a directory",
		"/":                    "is a directory",
		dir:                    "is a directory",
		dir + "/":              "is a directory",
		dir + "/no/trace.log":  `no such file or directory`,
		socket:                 "is a socket",
		socket + "/trace.log":  "not a directory",
		loop:                   "too many levels of symbolic links",
		dir + "/" + longName(): "file name too long",
	} {
		if err := openError(t, path); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func longName() string { return strings.Repeat("a", 300) }

func TestHintsForOutputFiles(t *testing.T) {
	for path, want := range map[string]string{".": "trace.log", "/no/such/trace.log": "mkdir -p /no/such"} {
		var h interface{ Hint() string }
		if err := openError(t, path); !errors.As(err, &h) || !strings.Contains(h.Hint(), want) {
			t.Errorf("%s: %v has no hint with %q", path, err, want)
		}
	}
}

func TestRefusal(t *testing.T) {
	for name, tc := range map[string]struct {
		stat    unix.Stat_t
		shared  bool
		refused bool
	}{
		"file":                            {unix.Stat_t{Mode: unix.S_IFREG, Nlink: 1}, true, false},
		"hard links in our directory":     {unix.Stat_t{Mode: unix.S_IFREG, Nlink: 2}, false, false},
		"hard links in another directory": {unix.Stat_t{Mode: unix.S_IFREG, Nlink: 2}, true, true},
		"character device":                {unix.Stat_t{Mode: unix.S_IFCHR, Nlink: 1}, true, false},
		"block device":                    {unix.Stat_t{Mode: unix.S_IFBLK, Nlink: 1}, false, true},
	} {
		if err := refusal(tc.stat, tc.shared); (err != nil) != tc.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHardLinkedFileIsRefused checks a file with two hard links: the other name could be /etc/shadow.
func TestHardLinkedFileIsRefused(t *testing.T) {
	ktest.Root(t)
	dir := theirs(t)
	path := write(t, filepath.Join(dir, "trace.log"), "")
	if err := os.Link(path, filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	if err := openError(t, path); !strings.Contains(err.Error(), "2 hard links") {
		t.Errorf("error %v does not say why", err)
	}
}

// TestPlantedFilesAreRefused checks files of other users in a directory such as /tmp, which may have been created to
// read the output.
func TestPlantedFilesAreRefused(t *testing.T) {
	ktest.Root(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, path := range []string{give(t, write(t, filepath.Join(dir, "theirs"), "")), give(t, fifo)} {
		file, err := Open(t.Context(), path, Options{})
		if err == nil {
			file.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "is a file of user") {
			t.Errorf("%s: error %v, want that it is refused", path, err)
		}
	}
	fill(t, openOK(t, write(t, filepath.Join(dir, "ours"), ""), Rotation{}), 1)
	if err := os.Chmod(dir, 0o755); err != nil { // now only we can create files there
		t.Fatal(err)
	}
	fill(t, openOK(t, filepath.Join(dir, "theirs"), Rotation{}), 1)
}

// TestLinksOfOthers checks that a link of another user is followed only to directories of the same user.
func TestLinksOfOthers(t *testing.T) {
	ktest.Root(t)
	ours, dir, more := t.TempDir(), theirs(t), theirs(t)
	secret := write(t, filepath.Join(ours, "secret"), "root")
	for name, path := range map[string]string{
		"to a file of ours":        give(t, link(t, secret, filepath.Join(dir, "file"))),
		"to a new file of ours":    give(t, link(t, ours+"/new", filepath.Join(dir, "new"))),
		"to a directory of ours":   filepath.Join(give(t, link(t, ours, filepath.Join(dir, "dir"))), "new"),
		"to an open file":          give(t, link(t, "/proc/self/fd/2", filepath.Join(dir, "fd"))),
		"over a link of ours":      give(t, link(t, link(t, secret, ours+"/link"), filepath.Join(dir, "twice"))),
		"up to a directory of all": give(t, link(t, "../../../../new", filepath.Join(dir, "up"))),
	} {
		var refused *linkError
		if err := openError(t, path); !errors.As(err, &refused) {
			t.Errorf("%s: error %v, want that the link is refused", name, err)
		}
	}
	if got := namesIn(t, ours); len(got) != 2 {
		t.Errorf("files %v, want only the two from before", got)
	}
	allowed := give(t, link(t, filepath.Join(more, "new"), filepath.Join(dir, "allowed")))
	fill(t, openOK(t, allowed, Rotation{}), 1)
	if got := namesIn(t, more); len(got) != 1 {
		t.Errorf("files %v, want the new one", got)
	}
}

func TestOwnLinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/real", 0o700); err != nil {
		t.Fatal(err)
	}
	fill(t, openOK(t, filepath.Join(link(t, "real", dir+"/link"), "trace.log"), Rotation{}), 1)
	if got := namesIn(t, dir+"/real"); len(got) != 1 {
		t.Errorf("files %v, want the new one", got)
	}
}

// TestDescriptorPathsAreNotRotated checks a path that names an open file, as /dev/stdout does.
func TestDescriptorPathsAreNotRotated(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f := openOK(t, fmt.Sprintf("/dev/fd/%d", w.Fd()), Rotation{MaxSize: 1})
	if f.Special() == nil {
		t.Error("a pipe would be rotated")
	}
	if _, err := f.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 20)
	if n, err := r.Read(got); string(got[:n]) != "a line\n" {
		t.Errorf("read %q, %v", got[:n], err)
	}
}

func TestOpenWaitsForReaderOfFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan bool, 1)
	o := Options{Waiting: func() { waiting <- true }}
	go func() {
		<-waiting
		if r, err := os.Open(path); err == nil {
			defer r.Close()
			<-waiting
		}
	}()
	f, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(f.Special().Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags %#x, %v: a full pipe would be an error", flags, err)
	}
	waiting <- true
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestContextEndsWaitForReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, path, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
}
