// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"
)

// Kernel finds the types of the running kernel: those of vmlinux, then, for a name
// that is not there, those of the loaded modules (Linux 5.11 and later describe them).
// Nothing of a module is read before. It is not made for several goroutines at a time.
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

// AnyTypesByName finds all types of a name: vmlinux's, or else the modules'. A type that
// vmlinux only declares is also looked for in the modules.
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

// onlyDeclared tells a struct or union whose members are not known.
func onlyDeclared(types []btf.Type) bool {
	for _, t := range types {
		if _, ok := t.(*btf.Fwd); !ok {
			return false
		}
	}
	return true
}

// All goes through the types of vmlinux and of the modules. It works on copies, so that
// what it makes of all types does not stay in memory.
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

// split are the types of the loaded modules. Those of a module that can't be read, for
// it may be gone by now, are left out.
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

// typesFolder is where the kernel shows its types, a file for vmlinux and for each module.
const typesFolder = "/sys/kernel/btf"

// enumerators are the constants of all enums, those of vmlinux first.
func (k *Kernel) enumerators() map[string]enumerator {
	if k.constants != nil {
		return k.constants
	}
	k.constants = map[string]enumerator{}
	base := k.addEnumerators("vmlinux", nil)
	names, _ := k.cache.Modules() // without a folder there is nothing to add
	for _, name := range names {
		k.addEnumerators(name, base)
	}
	return k.constants
}

// addEnumerators adds the constants of one file, as far as it can be read, and returns
// its strings.
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
