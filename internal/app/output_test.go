// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUnwritableOutputFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "trace.log")
	if _, err := openOutput(Config{OutputFile: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}

func TestAReaderThatGoesAwayIsNoError(t *testing.T) {
	wrap := func(e syscall.Errno) error {
		return fmt.Errorf("write: %w", &os.PathError{Op: "write", Path: "/dev/stdout", Err: e})
	}
	if tr := (&tracing{}); tr.absorb(wrap(syscall.EPIPE)) != nil || !tr.full {
		t.Error("EPIPE is not the end")
	}
	if tr := (&tracing{}); tr.absorb(wrap(syscall.ENOSPC)) == nil {
		t.Error("a full disk passes for the end")
	}
}
