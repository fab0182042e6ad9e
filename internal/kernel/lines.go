// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"io"
)

// lineBuffer holds many lines; the files of /proc give 4 KB at a time anyway.
const lineBuffer = 64 << 10

var errLongLine = errors.New("a line is too long")

// lines hands each line of r to f, without its end and only until f returns.
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

// eachLine returns what follows the last newline.
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
