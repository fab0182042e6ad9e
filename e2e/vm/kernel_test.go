// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindKernelTakesTheNewest(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	for _, v := range []string{"6.12.9-cloud-amd64", "6.12.95+deb12-cloud-amd64", "6.12.99-cloud-arm64", "6.1.0-50-cloud-amd64"} {
		folder := filepath.Join(cache, "tracer", "kernels", v)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, ".done"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for series, want := range map[string]string{"6.12": "6.12.95+deb12-cloud-amd64", "6.1": "6.1.0-50-cloud-amd64"} {
		k, err := FindKernel(series, "amd64")
		if err != nil || k.Release != want {
			t.Errorf("%s: got %+v, %v, want %s", series, k, err, want)
		}
	}
}

func TestMissingKernelNamesTheScript(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := FindKernel("6.12", "amd64")
	if err == nil || !strings.Contains(err.Error(), "fetch-kernels.sh") {
		t.Errorf("got %v", err)
	}
}

func TestExtract(t *testing.T) {
	b := make([]byte, 5*512+16)
	copy(b[0x202:], "HdrS")
	elf := "\x7fELF rest"
	packed := append([]byte{0x02, 0x21, 0x4c, 0x18}, frame("\x90"+elf)...)
	packed = binary.LittleEndian.AppendUint32(packed, uint32(len(elf)))
	binary.LittleEndian.PutUint32(b[0x248:], 16)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(packed)))
	from, to := filepath.Join(t.TempDir(), "vmlinuz"), filepath.Join(t.TempDir(), "vmlinux")
	if err := os.WriteFile(from, append(b, packed...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := extract(from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != elf {
		t.Errorf("got %q, %v, want %q", got, err, elf)
	}
}

func TestPayloadRefusesOtherFiles(t *testing.T) {
	if _, err := payload(make([]byte, 4096)); err == nil {
		t.Error("zeros were accepted as a bzImage")
	}
}
