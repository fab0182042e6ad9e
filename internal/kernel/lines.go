// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"io"
)

// lineBuffer is the size of the buffer in bytes. A read of a file in /proc returns at most 4 KB anyway.
const lineBuffer = 64 << 10

var errLongLine = errors.New("a line is too long")

// lines calls f for each line of r, without its newline. The slice is valid until f returns.
func lines(r io.Reader, f func([]byte)) error {
	buf := make([]byte, lineBuffer)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		rest := eachLine(buf[:kept+n], f)
		kept = copy(buf, rest)
		switch {
		case err == io.EOF:
			if kept > 0 {
				f(buf[:kept])
			}
			return nil
		case err != nil:
			return err
		case kept == len(buf):
			return errLongLine
		}
	}
}

// eachLine calls f for each complete line, and returns the rest.
func eachLine(b []byte, f func([]byte)) []byte {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return b
		}
		f(b[:i])
		b = b[i+1:]
	}
}
