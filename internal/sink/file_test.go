// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUnwritableOutputFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "trace.log")
	if _, err := Open(t.Context(), Target{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}

func TestEPIPEIsANormalEnd(t *testing.T) {
	wrap := func(e syscall.Errno) error {
		return fmt.Errorf("write: %w", &os.PathError{Op: "write", Path: "/dev/stdout", Err: e})
	}
	for _, end := range []error{wrap(syscall.EPIPE), fmt.Errorf("write: %w", io.ErrClosedPipe)} {
		if err := endOfOutput(end); err != ErrReaderGone {
			t.Errorf("%v is %v, want the end", end, err)
		}
	}
	if full := wrap(syscall.ENOSPC); endOfOutput(full) != full {
		t.Error("a full disk is taken for the end")
	}
}

func TestFullDeviceIsAnErrorAtOnce(t *testing.T) {
	out, err := Open(t.Context(), Target{Path: "/dev/full"})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("output %v, error %v, want ENOSPC", out, err)
	}
}

func TestClosedPipeIsNoticedWithoutAWrite(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	f, err := Open(t.Context(), Target{Stdout: writer, Options: Options{JSON: true}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Flush(); err != nil {
		t.Errorf("flush with a reader: %v", err)
	}
	reader.Close()
	if err := f.Flush(); err != ErrReaderGone {
		t.Errorf("flush without a reader: %v, want its end", err)
	}
	if (&File{stream: new(strings.Builder)}).isAbandoned() {
		t.Error("memory is abandoned")
	}
}

// fifo creates a FIFO without a reader.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWaitForAReaderIsLimited(t *testing.T) {
	target := Target{Path: fifo(t), Wait: time.Millisecond}
	_, err := Open(t.Context(), target)
	var unread unreadError
	if !errors.As(err, &unread) || unread.limit != time.Millisecond || !strings.Contains(err.Error(), target.Path) {
		t.Errorf("error %v, want one about the reader", err)
	}
}

func TestWaitForAReaderEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Target{Path: fifo(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestClosedFIFOIsNoticedWithoutAWrite(t *testing.T) {
	path := fifo(t)
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Open(t.Context(), Target{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if out.isAbandoned() {
		t.Error("abandoned while there is a reader")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if !out.isAbandoned() {
		t.Error("not abandoned although there is no reader")
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
}
