// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"io"
)

// flushSize is how many bytes are gathered before they are written unasked: a
// pipe's usual room, so that a busy stream costs one write per pipe full.
const flushSize = 64 << 10

// buffer gathers lines and writes them in one piece.
type buffer struct {
	w    io.Writer
	data []byte
	// flushes counts how often data began anew.
	flushes int
}

func newBuffer(w io.Writer) buffer {
	return buffer{w: w, data: make([]byte, 0, flushSize+4096)}
}

// flushFull writes when enough has been gathered.
func (b *buffer) flushFull() error {
	if len(b.data) < flushSize {
		return nil
	}
	return b.flush()
}

// flush writes once. What a writer did not take before its error is dropped,
// as nobody can tell how much of a line it was.
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
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
