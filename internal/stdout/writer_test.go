// SPDX-License-Identifier: Apache-2.0

package stdout

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
)

// TestEPIPEIsNoError checks that a command does not notice that the reader of its output has exited.
func TestEPIPEIsNoError(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	for range 2 {
		if n, err := io.WriteString(Writer{writer}, "text"); n != 4 || err != nil {
			t.Errorf("wrote %d bytes, error %v", n, err)
		}
	}
}

func TestWriterPassesOn(t *testing.T) {
	var b bytes.Buffer
	if n, err := io.WriteString(Writer{&b}, "text"); n != 4 || err != nil || b.String() != "text" {
		t.Errorf("wrote %d bytes, error %v, text %q", n, err, &b)
	}
	full := open(t, "/dev/full", os.O_WRONLY)
	if _, err := io.WriteString(Writer{full}, "text"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("/dev/full: error %v", err)
	}
}

// TestWriteErrorsSayWriteOnce checks errors of files, whose text begins with "write" already, and others.
func TestWriteErrorsSayWriteOnce(t *testing.T) {
	for want, err := range map[string]error{
		"write output: x.log: no space left on device":  &os.PathError{Op: "write", Path: "x.log", Err: syscall.ENOSPC},
		"write output: close x.log: input/output error": &os.PathError{Op: "close", Path: "x.log", Err: syscall.EIO},
		"write output: start a new file: no such file":  fmt.Errorf("start a new file: %w", errors.New("no such file")),
		"write output: /dev/stdout: broken pipe":        &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE},
		"write output: no space left on device":         syscall.ENOSPC,
	} {
		got := WriteError(err)
		if got.Error() != want || !errors.Is(got, errors.Unwrap(err)) && errors.Unwrap(err) != nil {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
