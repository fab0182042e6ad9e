// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cilium/lumberjack/v2"
	"golang.org/x/sys/unix"

	"tracer/internal/event"
	"tracer/internal/export"
)

// Rotation is when an output file is put aside for a new one, and what becomes of
// it then. The exporters write whole lines, so that files begin and end with lines.
type Rotation struct {
	// MaxSize is the size of a file in MiB; 0 is 100.
	MaxSize int
	// MaxBackups is how many older files are kept, MaxAge for how many days; 0 is no limit.
	MaxBackups, MaxAge int
	// Compress packs older files with gzip.
	Compress bool
}

// output is where the events go.
type output struct {
	export.Exporter
	file io.Closer
	// stream is standard output, unless a file is written.
	stream io.Writer
	screen *screen
}

// openOutput opens the file at once, so that one that can't be written is known
// before anything is attached.
func openOutput(cfg Config) (*output, error) {
	cfg.Output.Color = isColored(cfg)
	screen := openScreen(cfg)
	if cfg.OutputFile == "" {
		cfg.Output.Width = screen.width
		return &output{Exporter: export.New(cfg.Stdout, cfg.Output), stream: cfg.Stdout, screen: screen}, nil
	}
	file, err := openFile(cfg.OutputFile, cfg.Rotation)
	if err != nil {
		return nil, fmt.Errorf("output file %q: %w", cfg.OutputFile, cause(err))
	}
	return &output{Exporter: export.New(file, cfg.Output), file: file, screen: screen}, nil
}

// openFile appends to what is there. Only a regular file is rotated, and where the
// path is a link, the file that it leads to.
func openFile(path string, r Rotation) (io.WriteCloser, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		return file, nil
	}
	real, linkErr := filepath.EvalSymlinks(path)
	if err := errors.Join(err, linkErr, file.Close()); err != nil {
		return nil, err
	}
	return &lumberjack.Logger{
		Filename: real, MaxSize: r.MaxSize, MaxBackups: r.MaxBackups, MaxAge: r.MaxAge, Compress: r.Compress,
	}, nil
}

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
	if err := o.Export(&event.Event{Kind: event.Summary, Totals: totals}); err != nil {
		return err
	}
	return o.Flush()
}
