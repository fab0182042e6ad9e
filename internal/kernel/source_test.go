// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadBTFFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	raw := marshal(t, tInt)
	if got, err := readBTF(write("raw", raw)); err != nil || !bytes.Equal(got, raw) {
		t.Error(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):             "no such file or directory",
		write("text", []byte("text")):          "not BTF in this machine's byte order",
		write("elf", []byte("\x7fELF broken")): "elf", // from debug/elf
		os.Args[0]:                             "ELF file has no section .BTF",
		dir:                                    "not a file or a pipe",
		"/dev/zero":                            "not a file or a pipe",
		fifoIn(t, dir):                         "not BTF in this machine's byte order", // without a writer
		hugeIn(t, dir):                         "has more than 128 MiB of BTF",
	} {
		_, err := readBTF(path)
		var h *hinted
		if !errors.As(err, &h) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) ||
			strings.Count(err.Error(), path) != 1 || !strings.Contains(h.Hint(), "--kernel-btf") || !h.Usage() {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func fifoIn(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hugeIn creates a sparse file that is larger than maxBTF.
func hugeIn(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "huge")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, maxBTF+1)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadBTFOfAPipe checks BTF from a pipe, as in --kernel-btf <(zcat btf.gz).
func TestReadBTFOfAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	raw := marshal(t, tInt)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := readBTF(fmt.Sprintf("/dev/fd/%d", r.Fd())); err != nil || !bytes.Equal(got, raw) {
		t.Error(err)
	}
}
