// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"io"

	"tracer/internal/stdout"
)

// flushSize is the number of buffered bytes that causes a write: the usual size of a pipe, so that a busy
// stream costs one write per pipe size.
const flushSize = 64 << 10

// buffer collects lines and writes them with one system call.
type buffer struct {
	w    io.Writer
	data []byte
	// flushes counts how often data was emptied.
	flushes int
}

func newBuffer(w io.Writer) buffer {
	return buffer{w: w, data: make([]byte, 0, flushSize+4096)}
}

// flushFull flushes a full buffer.
func (b *buffer) flushFull() error {
	if len(b.data) < flushSize {
		return nil
	}
	return b.flush()
}

// flush writes once. After an error, the rest is dropped: it may begin in the middle of a line.
func (b *buffer) flush() error {
	if len(b.data) == 0 {
		return nil
	}
	n, err := b.w.Write(b.data)
	if err == nil && n < len(b.data) {
		err = io.ErrShortWrite
	}
	b.data = b.data[:0]
	b.flushes++
	if err != nil {
		return stdout.WriteError(err)
	}
	return nil
}
