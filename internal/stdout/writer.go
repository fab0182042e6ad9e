// SPDX-License-Identifier: Apache-2.0

package stdout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// Writer writes the result of a command to W. EPIPE is a normal end of output: the rest of the result is discarded
// without an error.
type Writer struct{ W io.Writer }

// Write implements io.Writer.
func (w Writer) Write(b []byte) (int, error) {
	n, err := w.W.Write(b)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, syscall.EPIPE):
		return len(b), nil
	}
	return n, WriteError(err)
}

// WriteError says that err is about the output. It omits the operation of an [fs.PathError], which is "write" too.
func WriteError(err error) error {
	if failed, ok := err.(*fs.PathError); ok && failed.Op == "write" {
		return fmt.Errorf("write output: %s: %w", failed.Path, failed.Err)
	}
	return fmt.Errorf("write output: %w", err)
}
