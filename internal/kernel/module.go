// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// moduleTree are the folders of sysfs about modules, and the file that lists modules that are
// part of vmlinux, where it is known.
type moduleTree struct{ btf, module, builtin string }

func sysModules() moduleTree {
	return moduleTree{btfDir, "/sys/module", filepath.Join("/lib/modules", Release(), "modules.builtin")}
}

// Absence is why a module that was asked for is not read.
type Absence uint8

const (
	// ModuleBuiltIn: it is part of vmlinux, whose functions are traced anyway.
	ModuleBuiltIn Absence = iota + 1
	// ModuleNotLoaded: there is none of this name.
	ModuleNotLoaded
	// ModuleWithoutBTF: it is loaded, and has no types.
	ModuleWithoutBTF
	// ModuleUnknown: it is not loaded, and whether it is built in is not known, since there is
	// no modules.builtin for this kernel.
	ModuleUnknown
)

// AbsentModule is a module that was asked for and is not read, as the user spelled it.
type AbsentModule struct {
	Name string
	Why  Absence
}

// modules are the modules to read, as the kernel spells them, sorted, and those that were asked
// for and can't be read.
func (t moduleTree) modules(o Options) (names []string, absent []AbsentModule, err error) {
	for _, asked := range o.Modules {
		name := strings.ReplaceAll(asked, "-", "_") // as modprobe does
		if !isModuleName(name) {
			return nil, nil, &hinted{msg: fmt.Sprintf("kernel module name %q is not valid", asked), hint: "lsmod lists modules", usage: true}
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

// isModuleName reports whether a name can be a module's: not vmlinux, and not a path out of
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

// withBTF are the loaded modules that have BTF.
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

// absence is why a module can't be read, 0 where it can be.
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

// isBuiltIn reports whether a module is part of vmlinux: it has no initstate in sysfs, or is not
// there because it has no parameters.
func (t moduleTree) isBuiltIn(name string) bool {
	if exists(t.module, name) {
		return !exists(t.module, name, "initstate")
	}
	return slices.Contains(t.listedBuiltIn(), name)
}

// listedBuiltIn are the names in modules.builtin, whose lines are paths such as
// kernel/net/ipv4/ip_tables.ko.
func (t moduleTree) listedBuiltIn() []string {
	content, err := os.ReadFile(t.builtin)
	if err != nil {
		return nil // a kernel without its modules' directory
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
