// SPDX-License-Identifier: Apache-2.0

package app

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

func openOut(ctx context.Context, cfg Config) (*output, error) {
	cfg.Stderr = io.Discard
	return openOutput(ctx, cfg, newTeller(cfg, time.Now()))
}

func TestUnwritableOutputFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "trace.log")
	if _, err := openOut(t.Context(), Config{OutputFile: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}

func TestAReaderThatGoesAwayIsNoError(t *testing.T) {
	wrap := func(e syscall.Errno) error {
		return fmt.Errorf("write: %w", &os.PathError{Op: "write", Path: "/dev/stdout", Err: e})
	}
	if tr := (&tracing{}); tr.absorb(wrap(syscall.EPIPE)) != nil || !tr.full {
		t.Error("EPIPE is not the end")
	}
	if tr := (&tracing{}); tr.absorb(wrap(syscall.ENOSPC)) == nil {
		t.Error("a full disk passes for the end")
	}
}

func TestAFullDeviceIsAnErrorAtOnce(t *testing.T) {
	out, err := openOut(t.Context(), Config{OutputFile: "/dev/full"})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("output %v, error %v, want that the disk is full", out, err)
	}
}

func TestAReaderThatLeavesIsNoticedWithoutAWrite(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	o := output{stream: writer}
	if o.abandoned() {
		t.Error("abandoned while there is a reader")
	}
	reader.Close()
	if !o.abandoned() {
		t.Error("not abandoned though nobody can read")
	}
	if (&output{stream: new(strings.Builder)}).abandoned() {
		t.Error("memory is abandoned")
	}
}

// fifo makes a FIFO that nobody reads from.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWaitingForAReaderEndsWithTheDuration(t *testing.T) {
	cfg := Config{OutputFile: fifo(t), Limits: Limits{Duration: time.Millisecond}}
	_, err := openOut(t.Context(), cfg)
	var unread unreadError
	if !errors.As(err, &unread) || unread.limit != time.Millisecond || !strings.Contains(err.Error(), cfg.OutputFile) {
		t.Errorf("error %v, want that nobody reads", err)
	}
}

func TestWaitingForAReaderEndsWithASignal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openOut(ctx, Config{OutputFile: fifo(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// TestTheReaderOfAFIFOThatLeavesIsNoticed: as that of standard output.
func TestTheReaderOfAFIFOThatLeavesIsNoticed(t *testing.T) {
	path := fifo(t)
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := openOut(t.Context(), Config{OutputFile: path})
	if err != nil {
		t.Fatal(err)
	}
	if out.abandoned() {
		t.Error("abandoned while there is a reader")
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if !out.abandoned() {
		t.Error("not abandoned though nobody can read")
	}
	if err := out.close(); err != nil {
		t.Error(err)
	}
}
