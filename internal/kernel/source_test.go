// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		write("elf", []byte("\x7fELF broken")): "elf", // what debug/elf says
		os.Args[0]:                             "ELF file has no section .BTF",
	} {
		_, err := readBTF(path)
		var h *hinted
		if !errors.As(err, &h) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) ||
			strings.Count(err.Error(), path) != 1 || !strings.Contains(h.Hint(), "--kernel-btf") || !h.Usage() {
			t.Errorf("%s: %v", path, err)
		}
	}
}
