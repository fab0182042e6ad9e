// SPDX-License-Identifier: Apache-2.0

package stdout

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// asChild is the environment variable that makes this binary check its own standard output, and print the error to
// standard error.
const asChild = "STDOUT_CHECK"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	if err := Check(os.Stdout); err != nil {
		os.Stderr.WriteString(err.Error())
	}
}

// open opens a file until the end of the test.
func open(t *testing.T, name string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestWritableOutputIsAccepted(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close() // EPIPE must be left to the first write
	defer writer.Close()
	for _, f := range []*os.File{
		open(t, filepath.Join(t.TempDir(), "file"), os.O_CREATE|os.O_WRONLY), open(t, os.DevNull, os.O_WRONLY), writer,
	} {
		if err := Check(f); err != nil {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
	if err := Check(&bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestUnwritableOutputIsAnError(t *testing.T) {
	closed := open(t, os.DevNull, os.O_WRONLY)
	closed.Close()
	for _, f := range []*os.File{closed, open(t, os.DevNull, os.O_RDONLY), open(t, "/", os.O_RDONLY)} {
		if err := Check(f); !errors.Is(err, closedError{}) {
			t.Errorf("%s: %v, want that it is closed", f.Name(), err)
		}
	}
	if err := Check(open(t, "/dev/full", os.O_WRONLY)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("/dev/full: %v", err)
	}
}

// TestSocketsGetNoDatagram checks that Check sends no empty datagram.
func TestSocketsGetNoDatagram(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	f := os.NewFile(uintptr(pair[0]), "socket")
	defer f.Close()
	if err := Check(f); err != nil {
		t.Error(err)
	}
	if n, err := syscall.Read(pair[1], make([]byte, 1)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("read %d bytes, %v, want no datagram", n, err)
	}
}

// TestClosedDescriptor starts processes with closed descriptors. A closed standard output must be an error, although
// the Go runtime opens /dev/null in its place. A closed standard input is accepted.
func TestClosedDescriptor(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for redirection, good := range map[string]bool{
		"": true, ">/dev/null": true, "1<>/dev/null": true, "<&-": true, ">&-": false, "1</dev/null": false, "<&- >&-": false,
	} {
		cmd := exec.Command("sh", "-c", `exec "$0" `+redirection, program)
		cmd.Env = append(os.Environ(), asChild+"=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil || (stderr.Len() == 0) != good {
			t.Errorf("%q: %v, said %q", redirection, err, stderr.String())
		}
	}
}
