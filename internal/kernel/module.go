// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tracer/internal/printable"
)

// moduleTree has the paths of the two directories with modules in sysfs, and of modules.builtin, which lists the
// modules that are part of vmlinux.
type moduleTree struct{ btf, module, builtin string }

func sysModules() moduleTree {
	return moduleTree{btfDir, "/sys/module", filepath.Join("/lib/modules", Release(), "modules.builtin")}
}

// Absence is why a requested module is not read.
type Absence uint8

const (
	// ModuleBuiltIn means that it is part of vmlinux, whose functions are traced anyway.
	ModuleBuiltIn Absence = iota + 1
	// ModuleNotLoaded means that no module with this name is loaded or built in.
	ModuleNotLoaded
	// ModuleWithoutBTF means that it is loaded, but has no BTF.
	ModuleWithoutBTF
	// ModuleUnknown means that it is not loaded, and may be built in or not: there is no modules.builtin for
	// this kernel.
	ModuleUnknown
)

// AbsentModule is a requested module that is not read. Name is spelled as the user wrote it.
type AbsentModule struct {
	Name string
	Why  Absence
}

// modules returns the modules to read, sorted and spelled as in the kernel, and the requested ones that can't
// be read.
func (t moduleTree) modules(o Options) (names []string, absent []AbsentModule, err error) {
	for _, asked := range o.Modules {
		name := strings.ReplaceAll(asked, "-", "_") // as modprobe does
		if !isModuleName(name) {
			return nil, nil, &hinted{msg: fmt.Sprintf("kernel module name %s is not valid", printable.Quote(asked)), hint: "lsmod lists modules", usage: true}
		}
		if why := t.absence(name); why != 0 {
			absent = append(absent, AbsentModule{asked, why})
			continue
		}
		names = append(names, name)
	}
	for _, name := range t.withBTF() {
		if o.AllModules || isLikely(name, o.LikelyModules) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), absent, nil
}

// isModuleName reports whether a module can have this name: it is not vmlinux, and not a path out of
// /sys/module.
func isModuleName(name string) bool {
	return !slices.Contains([]string{"", ".", "..", "vmlinux"}, name) && !strings.Contains(name, "/")
}

func isLikely(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matches, err := path.Match(pattern, name)
		return err == nil && matches
	})
}

// withBTF returns the loaded modules that have BTF.
func (t moduleTree) withBTF() []string {
	entries, _ := os.ReadDir(t.btf)
	var out []string
	for _, e := range entries {
		if e.Name() != "vmlinux" {
			out = append(out, e.Name())
		}
	}
	return out
}

// absence returns why a module can't be read, or 0 if it can.
func (t moduleTree) absence(name string) Absence {
	switch {
	case exists(t.btf, name):
		return 0
	case t.isBuiltIn(name):
		return ModuleBuiltIn
	case exists(t.module, name):
		return ModuleWithoutBTF
	case !exists(t.builtin):
		return ModuleUnknown
	}
	return ModuleNotLoaded
}

// isBuiltIn reports whether a module is part of vmlinux. Its directory in sysfs then has no initstate. Without
// parameters it has no directory, and only modules.builtin lists it.
func (t moduleTree) isBuiltIn(name string) bool {
	if exists(t.module, name) {
		return !exists(t.module, name, "initstate")
	}
	return slices.Contains(t.listedBuiltIn(), name)
}

// listedBuiltIn returns the names in modules.builtin, whose lines are paths such as
// kernel/net/ipv4/ip_tables.ko.
func (t moduleTree) listedBuiltIn() []string {
	content, err := os.ReadFile(t.builtin)
	if err != nil {
		return nil // there is no such directory for this kernel
	}
	var names []string
	for line := range strings.Lines(string(content)) {
		file := path.Base(strings.TrimSpace(line))
		names = append(names, strings.ReplaceAll(strings.TrimSuffix(file, ".ko"), "-", "_"))
	}
	return names
}

func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}
