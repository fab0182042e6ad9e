// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"
)

// Kernel finds the types of the running kernel. It searches vmlinux first, and the loaded modules
// if vmlinux does not have the name (modules have BTF on Linux 5.11 and later). BTF of modules is
// read only when it is needed. Kernel is not safe for concurrent use.
type Kernel struct {
	vmlinux *btf.Spec
	cache   *btf.Cache
	modules []*btf.Spec
	loaded  bool

	constants map[string]enumerator // of all enums, nil until one is needed
}

// LoadKernel reads the types of vmlinux.
func LoadKernel() (*Kernel, error) {
	cache := btf.NewCache()
	vmlinux, err := cache.Kernel()
	if err != nil {
		return nil, fmt.Errorf("types of the kernel: %w", err)
	}
	return &Kernel{vmlinux: vmlinux, cache: cache}, nil
}

// AnyTypesByName returns all types with a name: those of vmlinux, or else those of the modules. A type
// that vmlinux only declares is searched in the modules, too.
func (k *Kernel) AnyTypesByName(name string) ([]btf.Type, error) {
	found, err := k.vmlinux.AnyTypesByName(name)
	if err == nil && !onlyDeclared(found) {
		return found, nil
	}
	for _, module := range k.split() {
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
	names, err := k.cache.Modules()
	if err != nil {
		return nil
	}
	for _, name := range names {
		if spec, err := k.cache.Module(name); err == nil {
			k.modules = append(k.modules, spec)
		}
	}
	return k.modules
}

// typesFolder has one BTF file for vmlinux and one for each module.
const typesFolder = "/sys/kernel/btf"

// enumerators returns the constants of all enums. Those of vmlinux have precedence.
func (k *Kernel) enumerators() map[string]enumerator {
	if k.constants != nil {
		return k.constants
	}
	k.constants = map[string]enumerator{}
	base := k.addEnumerators("vmlinux", nil)
	names, _ := k.cache.Modules() // if the folder is missing, there are no modules
	for _, name := range names {
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
