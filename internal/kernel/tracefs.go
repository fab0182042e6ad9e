// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pseudo is a virtual file system of the kernel, with its usual mount points.
type pseudo struct {
	name string
	dirs []string
}

var (
	tracefs = pseudo{"tracefs", []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}}
	debugfs = pseudo{"debugfs", []string{"/sys/kernel/debug"}}
)

// read reads a file of p. If p is not mounted, it mounts p while it reads the file. This mount has no path, and
// ends when it is closed.
func (p pseudo) read(name string) ([]byte, error) {
	f, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, f); err != nil {
		return nil, fmt.Errorf("%s in %s: %w", name, p.name, cause(err))
	}
	return b.Bytes(), nil
}

func (p pseudo) open(name string) (*os.File, error) {
	for _, dir := range p.dirs {
		f, err := os.Open(filepath.Join(dir, name))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	dir, err := p.mount()
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", name, p.name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// mount creates a detached mount (5.2) and returns a descriptor of its root.
func (p pseudo) mount() (int, error) {
	ctx, err := unix.Fsopen(p.name, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("%s is not mounted, and the kernel refused to open it: %w", p.name, err)
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, fmt.Errorf("%s is not mounted, and the kernel refused to create it: %w", p.name, err)
	}
	dir, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return -1, fmt.Errorf("%s is not mounted, and the kernel refused to mount it: %w", p.name, err)
	}
	return dir, nil
}

// readList reads ftrace's list of functions, with addresses if the kernel has such a list.
func readList(arch string) (*probeList, error) {
	b, err := tracefs.read("available_filter_functions_addrs")
	if err == nil {
		return parseSites(arch, bytes.NewReader(b))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	b, err = tracefs.read("available_filter_functions")
	if err != nil {
		return nil, err
	}
	return parseNames(bytes.NewReader(b))
}

// CheckTracefs returns why ftrace's list of functions can't be read; nil if it can.
func CheckTracefs() error {
	f, err := tracefs.open("available_filter_functions")
	if err != nil {
		return err
	}
	return f.Close()
}

// readBlacklist reads the kprobe blacklist; it is empty if it can't be read.
func readBlacklist() blacklist {
	b, err := debugfs.read("kprobes/blacklist")
	if err != nil {
		return nil
	}
	list, _ := parseBlacklist(bytes.NewReader(b))
	return list
}
