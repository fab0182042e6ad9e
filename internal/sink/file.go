// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/event"
	"tracer/internal/outfile"
	"tracer/internal/printable"
	"tracer/internal/stdout"
)

// Rotation says when the output file is replaced by a new one. Sinks write whole lines, so files begin and
// end with lines.
type Rotation = outfile.Rotation

// Target says where events are written, and how.
type Target struct {
	Options
	// Path is the file; empty means Stdout.
	Path     string
	Stdout   io.Writer
	Rotation Rotation
	// Wait is how long to wait for a reader if the file is a FIFO; 0 means until the context ends. Waiting
	// is called once if there is none yet; it may be nil.
	Wait    time.Duration
	Waiting func()
}

// File is a sink that writes to standard output or to a file.
type File struct {
	Sink
	file *outfile.File
	// stream is standard output or a special file, nil for a regular file.
	stream io.Writer
	screen *screen
}

// Open opens the target at once, so that errors are reported before anything is attached. ctx cancels waiting
// for the reader of a FIFO.
func Open(ctx context.Context, t Target) (*File, error) {
	s := openScreen(t)
	if t.Path == "" {
		t.Width = s.width
		return &File{Sink: New(t.Stdout, t.Options), stream: t.Stdout, screen: s}, nil
	}
	file, err := openFile(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("output file %s: %w", printable.Quote(t.Path), err)
	}
	f := &File{Sink: New(file, t.Options), file: file, screen: s}
	if special := file.Special(); special != nil {
		f.stream = special
	}
	return f, nil
}

// Nothing returns a file that prints nothing.
func Nothing() *File { return &File{Sink: nothing{}, screen: &screen{}} }

type nothing struct{}

func (nothing) Take(*event.Event) error { return nil }
func (nothing) Flush() error            { return nil }
func (nothing) Close() error            { return nil }

// openFile opens the output file. A device that is full is an error.
func openFile(ctx context.Context, t Target) (*outfile.File, error) {
	file, err := awaitFile(ctx, t)
	if err != nil || file.Special() == nil {
		return file, err
	}
	if err := stdout.Check(file.Special()); err != nil {
		return nil, errors.Join(cmp.Or(errors.Unwrap(err), err), file.Close()) // the caller names the file
	}
	return file, nil
}

// awaitFile opens the output file. It waits for the reader of a FIFO.
func awaitFile(ctx context.Context, t Target) (*outfile.File, error) {
	if t.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.Wait, unreadError{t.Wait})
		defer cancel()
	}
	return outfile.Open(ctx, t.Path, outfile.Options{Rotation: t.Rotation, Waiting: t.Waiting})
}

// unreadError means that no process opened the FIFO for reading within --duration.
type unreadError struct{ limit time.Duration }

func (e unreadError) Error() string {
	return fmt.Sprintf("no process opened this FIFO for reading within %v", e.limit)
}

func (e unreadError) Hint() string { return "start the reader first, or leave out --duration" }

// Width returns the width of the terminal that rows of text must fit, 0 if there is none.
func (f *File) Width() int { return f.screen.width }

// Rotatable returns an error if the process may not create the files of a rotation.
func (f *File) Rotatable() error {
	if f.file == nil {
		return nil
	}
	return f.file.Rotatable()
}

// Take prints an event. If the width of the terminal has changed, it first lays out the rows again.
func (f *File) Take(e *event.Event) error {
	if f.screen.file != nil {
		f.fit()
	}
	if err := f.Sink.Take(e); err != nil {
		return endOfOutput(err)
	}
	return nil
}

// fit lays out the rows again after the width of the terminal has changed.
func (f *File) fit() {
	if f.screen.changed() {
		f.Sink.(resizer).Resize(f.screen.width)
	}
}

// Flush also detects that the reader has closed the output: without events, no write would fail.
func (f *File) Flush() error {
	gone := f.isAbandoned()
	if err := f.Sink.Flush(); err != nil {
		return endOfOutput(err)
	}
	if gone {
		return ErrReaderGone
	}
	return nil
}

// endOfOutput treats EPIPE as a normal end of output, as in `| head`.
func endOfOutput(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return ErrReaderGone
	}
	return err
}

// isAbandoned reports whether the other end of a pipe is closed, or the terminal has hung up.
func (f *File) isAbandoned() bool {
	file, ok := f.stream.(*os.File)
	if !ok {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(file.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// Close waits until older files are compressed.
func (f *File) Close() error {
	f.screen.close()
	err := f.Sink.Close()
	if f.file != nil {
		err = errors.Join(err, f.file.Close())
	}
	return err
}
