// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"tracer/internal/printable"

	"github.com/cilium/ebpf/btf"
)

// ModuleTypes returns the types of each module that is loaded and has BTF. They refer to the types of vmlinux.
func ModuleTypes(vmlinux *btf.Spec, modules ...string) ([]*btf.Spec, error) {
	return sysModules().types(vmlinux, modules)
}

func (t moduleTree) types(vmlinux *btf.Spec, modules []string) ([]*btf.Spec, error) {
	var all []*btf.Spec
	for _, name := range modules {
		if !exists(t.btf, name) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(t.btf, name))
		if err != nil {
			return nil, fmt.Errorf("BTF of kernel module %s: %w", printable.Quote(name), cause(err))
		}
		spec, err := btf.LoadSplitSpecFromReader(bytes.NewReader(raw), vmlinux)
		if err != nil {
			return nil, fmt.Errorf("BTF of kernel module %s: %w", printable.Quote(name), err)
		}
		all = append(all, spec)
	}
	return all, nil
}

// Describes reports whether one of the specs defines a struct.
func Describes(structure string, specs ...*btf.Spec) bool {
	for _, spec := range specs {
		var s *btf.Struct
		if spec.TypeByName(structure, &s) == nil {
			return true
		}
	}
	return false
}

// DefinesFunc reports whether the BTF of vmlinux has a function of that name: the code is built into the kernel.
func DefinesFunc(name string, vmlinux *btf.Spec) bool {
	var f *btf.Func
	return vmlinux.TypeByName(name, &f) == nil
}

// ErrNotDescribed returns the error for a module's struct that is not in BTF.
func ErrNotDescribed(structure, module string) error {
	return fmt.Errorf("this kernel's BTF has no struct %s: module %s is not loaded, or has no BTF (modules have BTF since Linux 5.11)", structure, module)
}
