// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tracer/internal/printable"
)

const (
	btfDir     = "/sys/kernel/btf"
	btfVmlinux = btfDir + "/vmlinux"
)

// readBTF reads the BTF of vmlinux from file or, if file is empty, that of the running kernel.
func readBTF(file string) ([]byte, error) {
	if file == "" {
		return readOwnBTF()
	}
	b, err := readBTFFile(file)
	if err != nil {
		return nil, badBTFFile(file, err)
	}
	return b, nil
}

// badBTFFile adds the name of the user's file and a hint to an error, unless it already has a hint.
func badBTFFile(file string, err error) error {
	var known *hinted
	if errors.As(err, &known) {
		return err
	}
	return &hinted{
		msg:   "kernel BTF " + printable.Quote(file),
		err:   cause(err),
		hint:  "--kernel-btf takes a file of raw BTF, or a vmlinux with a .BTF section",
		usage: true,
	}
}

func readOwnBTF() ([]byte, error) {
	b, err := os.ReadFile(btfVmlinux)
	if err == nil {
		b, err = rawBTF(b)
	}
	if err != nil {
		return nil, &hinted{
			msg:  "can't read this kernel's BTF from " + btfVmlinux,
			err:  cause(err),
			hint: "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, or name a file with the BTF of this kernel: --kernel-btf FILE",
		}
	}
	return b, nil
}

// cause removes the path from an error, for a message that already has it.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readModules reads the BTF of modules.
func readModules(names []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range names {
		var err error
		if out[name], err = os.ReadFile(filepath.Join(btfDir, name)); err != nil {
			return nil, fmt.Errorf("BTF of kernel module %s: %w", printable.Quote(name), cause(err))
		}
	}
	return out, nil
}

// sameBTF returns an error unless the user's file is the BTF of the running kernel, which the BTF of modules
// refers to: its type ids continue those of vmlinux.
func sameBTF(file string, vmlinux []byte) error {
	own, err := readOwnBTF()
	if err != nil {
		return err
	}
	if !bytes.Equal(own, vmlinux) {
		return &hinted{
			msg:   fmt.Sprintf("kernel BTF %s is not the BTF of the running kernel, which its modules refer to", printable.Quote(file)),
			hint:  "to trace modules, leave out --kernel-btf",
			usage: true,
		}
	}
	return nil
}
