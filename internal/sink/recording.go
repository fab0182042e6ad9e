// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"tracer/internal/capture"
	"tracer/internal/event"
	"tracer/internal/outfile"
	"tracer/internal/printable"
	"tracer/internal/stdout"
)

// RecordingTarget says where a recording is written, and when a new file is started.
type RecordingTarget struct {
	// Path is the file, or - for Stdout.
	Path   string
	Stdout io.Writer
	// MaxSize, MaxTime and MaxEvents are the size of a file in MiB, the time between its first and its last event, and
	// the number of events at which a new file is started; 0 is never.
	MaxSize   int
	MaxTime   time.Duration
	MaxEvents uint64
	// MaxBackups and MaxAge limit the older files, as in [Rotation].
	MaxBackups, MaxAge int
	// Compress compresses the file with zstd.
	Compress bool
	// Wait and Waiting are as in [Target].
	Wait    time.Duration
	Waiting func()
}

// StdoutPath is the path of a recording that is written to standard output.
const StdoutPath = "-"

// Recording is the sink that writes a capture file.
type Recording struct {
	target RecordingTarget
	file   *outfile.File // nil: standard output
	out    io.Writer
	zstd   *zstd.Encoder // nil: not compressed
	writer *capture.Writer
	// size and events are those of the current file; began is the time of its first event.
	size   int64
	events uint64
	began  uint64
}

// OpenRecording opens the file at once, so that errors are reported before anything is attached. A file that has data
// becomes an older file. ctx cancels waiting for the reader of a FIFO.
func OpenRecording(ctx context.Context, t RecordingTarget) (*Recording, error) {
	r := &Recording{target: t, out: t.Stdout}
	if t.Path == StdoutPath {
		return r, r.compress()
	}
	file, err := openFile(ctx, Target{
		Path: t.Path, Wait: t.Wait, Waiting: t.Waiting, Rotation: Rotation{MaxBackups: t.MaxBackups, MaxAge: t.MaxAge, Manual: true},
	})
	if err == nil {
		r.file, r.out = file, file
		err = cmp.Or(file.Rotate(), r.compress())
	}
	if err != nil {
		return nil, errors.Join(r.named(err), r.Close())
	}
	return r, nil
}

// named adds the name of the file to an error.
func (r *Recording) named(err error) error {
	if err == nil || r.target.Path == StdoutPath {
		return err
	}
	return fmt.Errorf("recording %s: %w", printable.Quote(r.target.Path), err)
}

// compress begins a compressed stream.
func (r *Recording) compress() (err error) {
	if !r.target.Compress {
		return nil
	}
	if r.zstd == nil {
		r.zstd, err = zstd.NewWriter(counting{r}, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		return err
	}
	r.zstd.Reset(counting{r})
	return nil
}

// counting writes to the file, and counts its bytes.
type counting struct{ r *Recording }

func (c counting) Write(b []byte) (int, error) {
	n, err := c.r.out.Write(b)
	c.r.size += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, stdout.WriteError(err)
	}
	return n, nil
}

// Begin begins the recording of a run. It precedes all events.
func (r *Recording) Begin(run capture.Run) (err error) {
	r.writer, err = capture.NewWriter(run)
	return r.named(err)
}

// Rotatable returns an error if the process may not create the files of a rotation.
func (r *Recording) Rotatable() error {
	if r.file == nil || r.target.MaxSize == 0 && r.target.MaxTime == 0 && r.target.MaxEvents == 0 {
		return nil
	}
	return r.file.Rotatable()
}

// Take records an event.
func (r *Recording) Take(e *event.Event) error {
	if e.Kind != event.Lost && e.Kind != event.Summary {
		if err := r.rotateFull(e); err != nil {
			return endOfOutput(r.named(err))
		}
	}
	if err := r.writer.Take(e); err != nil {
		return r.named(err)
	}
	if len(r.writer.Data()) < flushSize {
		return nil
	}
	return endOfOutput(r.named(r.write(r.writer.Data())))
}

// rotateFull starts a new file if the current one has reached a limit, and counts the event.
func (r *Recording) rotateFull(e *event.Event) error {
	if r.events > 0 && r.isFull(e) {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	if r.events == 0 {
		r.began = e.Time
	}
	r.events++
	return nil
}

func (r *Recording) isFull(e *event.Event) bool {
	t := &r.target
	if r.file == nil || r.file.Special() != nil {
		return false
	}
	return t.MaxSize > 0 && r.size+int64(len(r.writer.Data())) >= int64(t.MaxSize)<<20 ||
		t.MaxTime > 0 && e.Time > r.began && e.Time-r.began >= uint64(t.MaxTime) ||
		t.MaxEvents > 0 && r.events >= t.MaxEvents
}

// rotate ends the file, and starts a new one.
func (r *Recording) rotate() error {
	end, err := r.writer.Next()
	if err != nil {
		return err
	}
	next := append([]byte{}, r.writer.Data()...)
	if err := r.write(end); err != nil {
		return err
	}
	if r.zstd != nil {
		if err := r.zstd.Close(); err != nil {
			return err
		}
	}
	if err := r.file.Rotate(); err != nil {
		return err
	}
	r.size, r.events = 0, 0
	if err := r.compress(); err != nil {
		return err
	}
	return r.write(next)
}

// write writes data, and empties the buffer of the writer.
func (r *Recording) write(data []byte) (err error) {
	if r.zstd != nil {
		_, err = r.zstd.Write(data)
	} else {
		_, err = counting{r}.Write(data)
	}
	r.writer.Reset()
	return err
}

// Flush writes everything, so that it can be read if the process is killed.
func (r *Recording) Flush() error {
	r.writer.Mark()
	if len(r.writer.Data()) == 0 {
		return nil
	}
	err := r.write(r.writer.Data())
	if err == nil && r.zstd != nil {
		err = r.zstd.Flush()
	}
	return endOfOutput(r.named(err))
}

// Close ends the compressed stream, and waits until older files are removed.
func (r *Recording) Close() (err error) {
	if r.zstd != nil && r.writer != nil {
		err = r.zstd.Close()
	}
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	return endOfOutput(r.named(err))
}
