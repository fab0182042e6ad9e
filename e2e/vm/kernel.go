// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Kernel is an unpacked Debian kernel package.
type Kernel struct {
	// Release is the output of `uname -r`.
	Release string
	// Arch is its architecture, as in GOARCH.
	Arch string

	folder string
}

// Cache returns the folder of the unpacked kernels, which fetch-kernels.sh fills.
func Cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "tracer", "kernels"), nil
}

// flavours are Debian's names of the kernel flavours, by GOARCH: the cloud flavour, which is small, if
// there is one.
var flavours = map[string]string{
	"amd64": "cloud-amd64", "arm64": "cloud-arm64",
	"riscv64": "riscv64", "s390x": "s390x", "ppc64le": "powerpc64le",
}

// FindKernel returns the newest kernel of a series such as "6.12" in the cache.
func FindKernel(series, arch string) (*Kernel, error) {
	cache, err := Cache()
	if err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(cache, series+".*-"+flavours[arch], ".done"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no kernel %s for %s in %s: run e2e/fetch-kernels.sh", series, arch, cache)
	}
	folder := filepath.Dir(slices.MaxFunc(found, compareVersions))
	return &Kernel{Release: filepath.Base(folder), Arch: arch, folder: folder}, nil
}

// compareVersions compares names by the numbers in them.
func compareVersions(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(s string) []int {
	var list []int
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(f)
		list = append(list, n)
	}
	return list
}

// image returns the file that QEMU boots: on amd64 the unpacked ELF kernel, since unpacking it in
// the guest is slow, on other architectures the image in the package.
func (k *Kernel) image() (string, error) {
	packed, err := k.one("kernel", "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz", "boot/vmlinux-*")
	if err != nil || k.Arch != "amd64" {
		return packed, err
	}
	elf := filepath.Join(k.folder, "vmlinux")
	if _, err := os.Stat(elf); err == nil {
		return elf, nil
	}
	return elf, extract(packed, elf)
}

// modules returns the folder of the kernel's modules.
func (k *Kernel) modules() (string, error) {
	return k.one("modules", "lib/modules/*", "usr/lib/modules/*")
}

func (k *Kernel) one(what string, patterns ...string) (string, error) {
	for _, p := range patterns {
		if found, _ := filepath.Glob(filepath.Join(k.folder, p)); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("no %s in %s", what, k.folder)
}

// extract writes the ELF kernel in a bzImage to a file. It does so atomically, since two runs may extract the same
// kernel concurrently.
func extract(bzImage, elf string) error {
	b, err := os.ReadFile(bzImage)
	if err != nil {
		return err
	}
	payload, err := payload(b)
	if err != nil {
		return fmt.Errorf("%s: %w", bzImage, err)
	}
	kernel, err := unpack(payload, true)
	if err != nil {
		return fmt.Errorf("%s: %w", bzImage, err)
	}
	return replace(elf, kernel)
}

// payload returns the compressed kernel in a bzImage, located by setup_sects, payload_offset and payload_length of the
// x86 boot protocol.
func payload(b []byte) ([]byte, error) {
	if len(b) < 0x250 || string(b[0x202:0x206]) != "HdrS" {
		return nil, errors.New("not a bzImage")
	}
	sectors := int(b[0x1f1])
	if sectors == 0 {
		sectors = 4
	}
	start := (sectors+1)*512 + int(binary.LittleEndian.Uint32(b[0x248:]))
	end := start + int(binary.LittleEndian.Uint32(b[0x24c:]))
	if start > end || end > len(b) {
		return nil, fmt.Errorf("payload from %d to %d of %d bytes", start, end, len(b))
	}
	return b[start:end], nil
}

func replace(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
