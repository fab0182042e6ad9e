// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/event"
	"tracer/internal/export"
	"tracer/internal/outfile"
	"tracer/internal/stdout"
)

// Rotation says when the output file is put aside for a new one. The exporters write whole lines, so
// files begin and end with lines.
type Rotation = outfile.Rotation

// output is where the events go.
type output struct {
	export.Exporter
	file *outfile.File
	// stream is standard output or a special file, nil for a regular file.
	stream io.Writer
	screen *screen
}

// openOutput opens the file at once, so that one that can't be written is known
// before anything is attached.
func openOutput(ctx context.Context, cfg Config, say *teller) (*output, error) {
	cfg.Output.Color = isColored(cfg)
	screen := openScreen(cfg)
	if cfg.OutputFile == "" {
		cfg.Output.Width = screen.width
		return &output{Exporter: export.New(cfg.Stdout, cfg.Output), stream: cfg.Stdout, screen: screen}, nil
	}
	file, err := openFile(ctx, cfg, say)
	if err != nil {
		return nil, fmt.Errorf("output file %q: %w", cfg.OutputFile, err)
	}
	out := &output{Exporter: export.New(file, cfg.Output), file: file, screen: screen}
	if special := file.Special(); special != nil {
		out.stream = special
	}
	return out, nil
}

// openFile opens the output file. A device that is full is an error.
func openFile(ctx context.Context, cfg Config, say *teller) (*outfile.File, error) {
	file, err := awaitFile(ctx, cfg, say)
	if err != nil || file.Special() == nil {
		return file, err
	}
	if err := stdout.Check(file.Special()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// awaitFile opens the output file. A FIFO without a reader is waited for, at most for --duration.
func awaitFile(ctx context.Context, cfg Config, say *teller) (*outfile.File, error) {
	if limit := cfg.Limits.Duration; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, unreadError{limit})
		defer cancel()
	}
	return outfile.Open(ctx, cfg.OutputFile, outfile.Options{Rotation: cfg.Rotation, Waiting: say.unread})
}

// unreadError says that no process opened the FIFO for reading within --duration.
type unreadError struct{ limit time.Duration }

func (e unreadError) Error() string {
	return fmt.Sprintf("no process opened this FIFO for reading within %v", e.limit)
}

func (e unreadError) Hint() string { return "start the reader first, or leave out --duration" }

// close waits until older files are compressed.
func (o *output) close() error {
	o.screen.close()
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// gone says that the output's reader went away, as in `| head`.
func gone(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) }

// abandoned says that nobody reads any more, which a tracer without events would
// not be told by a write: the other end of a pipe is closed, or the terminal is gone.
func (o *output) abandoned() bool {
	file, ok := o.stream.(*os.File)
	if !ok {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(file.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}

// fit lays out the rows anew after the width of the terminal has changed.
func (o *output) fit() {
	if o.screen.changed() {
		o.Resize(o.screen.width)
	}
}

// finish writes the last record and all that waits.
func (o *output) finish(totals event.Totals) error {
	if err := o.Export(&event.Event{Kind: event.Summary, Totals: &totals}); err != nil {
		return err
	}
	return o.Flush()
}
