// SPDX-License-Identifier: Apache-2.0

// Package stdout writes the results of commands to standard output, and checks before any work is done whether that is
// possible.
package stdout

import "C" // builds closed.c into the program

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Check writes 0 bytes to w, and returns the error if w is closed, read-only or full. EPIPE is not an error here: it
// is a normal end of output, which the first write handles.
func Check(w io.Writer) error {
	file, ok := w.(*os.File)
	if !ok || isSocket(file) {
		return nil
	}
	_, err := file.Write(nil)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE):
		return nil
	case errors.Is(err, syscall.EBADF), errors.Is(err, os.ErrClosed):
		return closedError{}
	}
	return WriteError(err)
}

// isSocket reports whether the file is a socket, where an empty write may send an empty datagram.
func isSocket(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeSocket != 0
}

// closedError is the error if standard output is closed or read-only, as with `>&-` or `1<FILE` in a shell.
type closedError struct{}

func (closedError) Error() string { return "standard output is closed, or not open for writing" }

func (closedError) Hint() string {
	return "redirect it with >FILE, or with >/dev/null if you do not want it"
}
