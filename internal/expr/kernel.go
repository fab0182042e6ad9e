// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// Kernel finds the types of the running kernel. It searches vmlinux first, and the loaded modules
// if vmlinux does not have the name (modules have BTF on Linux 5.11 and later). BTF of modules is
// read only when it is needed. Kernel is not safe for concurrent use.
type Kernel struct {
	vmlinux *btf.Spec
	only    []string // names of the modules to search; nil for all
	modules []*btf.Spec
	loaded  bool
	added   []*btf.Spec // by Add

	constants map[string]enumerator // of all enums, nil until one is needed
}

// NewKernel returns the types of the running kernel, of which those of vmlinux are already read. Of the modules, only
// those named are searched, or all if only is nil.
func NewKernel(vmlinux *btf.Spec, only []string) *Kernel {
	return &Kernel{vmlinux: vmlinux, only: only}
}

// Add adds the types of modules that the kernel does not describe. Their functions and structs are found, but not their constants.
func (k *Kernel) Add(modules ...*btf.Spec) { k.added = append(k.added, modules...) }

// AnyTypesByName returns all types with a name: those of vmlinux, or else those of the modules. A type
// that vmlinux only declares is searched in the modules, too.
func (k *Kernel) AnyTypesByName(name string) ([]btf.Type, error) {
	found, err := k.vmlinux.AnyTypesByName(name)
	if err == nil && !onlyDeclared(found) {
		return found, nil
	}
	for _, module := range slices.Concat(k.split(), k.added) {
		if more, err := module.AnyTypesByName(name); err == nil {
			found = append(found, more...)
		}
	}
	if len(found) == 0 {
		return nil, err
	}
	return found, nil
}

// onlyDeclared reports whether all types are forward declarations.
func onlyDeclared(types []btf.Type) bool {
	for _, t := range types {
		if _, ok := t.(*btf.Fwd); !ok {
			return false
		}
	}
	return true
}

// All iterates over the types of vmlinux and of the modules. It works on copies, so the
// decoded types do not stay in memory.
func (k *Kernel) All() iter.Seq2[btf.Type, error] {
	return func(yield func(btf.Type, error) bool) {
		for _, spec := range append([]*btf.Spec{k.vmlinux}, k.split()...) {
			for t, err := range spec.Copy().All() {
				if !yield(t, err) {
					return
				}
			}
		}
	}
}

// split returns the split BTF of each loaded module. It skips modules that can't be read, for example
// because they were unloaded.
func (k *Kernel) split() []*btf.Spec {
	if k.loaded {
		return k.modules
	}
	k.loaded = true
	for _, name := range k.modulesWithTypes() {
		if spec, err := k.readModule(name); err == nil {
			k.modules = append(k.modules, spec)
		}
	}
	return k.modules
}

// modulesWithTypes returns the names of the modules to search that are loaded and have BTF.
func (k *Kernel) modulesWithTypes() (names []string) {
	files, _ := os.ReadDir(typesFolder) // if the folder is missing, there are no modules
	for _, file := range files {
		if name := file.Name(); name != vmlinuxFile && (k.only == nil || slices.Contains(k.only, name)) {
			names = append(names, name)
		}
	}
	return names
}

func (k *Kernel) readModule(name string) (*btf.Spec, error) {
	raw, err := os.ReadFile(filepath.Join(typesFolder, name))
	if err != nil {
		return nil, err
	}
	return btf.LoadSplitSpecFromReader(bytes.NewReader(raw), k.vmlinux)
}

// typesFolder has one BTF file for vmlinux and one for each module.
const (
	typesFolder = "/sys/kernel/btf"
	vmlinuxFile = "vmlinux"
)

// enumerators returns the constants of all enums. Those of vmlinux have precedence.
func (k *Kernel) enumerators() map[string]enumerator {
	if k.constants != nil {
		return k.constants
	}
	k.constants = map[string]enumerator{}
	base := k.addEnumerators(vmlinuxFile, nil)
	for _, name := range k.modulesWithTypes() {
		k.addEnumerators(name, base)
	}
	return k.constants
}

// addEnumerators adds the constants of one BTF file and returns the file's string section. It returns
// nil if the file can't be read.
func (k *Kernel) addEnumerators(file string, base []byte) (strings []byte) {
	raw, err := os.ReadFile(filepath.Join(typesFolder, file))
	if err != nil {
		return nil
	}
	r, err := parseRaw(raw, base)
	if err != nil || r.enumerators(k.constants) != nil {
		return nil
	}
	return r.strings
}
