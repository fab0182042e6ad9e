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

// moduleTree are the folders of sysfs that tell about modules.
type moduleTree struct{ btf, module string }

var sysModules = moduleTree{btfDir, "/sys/module"}

// moduleNames are the modules to look at, as the kernel spells them, sorted.
func moduleNames(o Options) ([]string, error) {
	return sysModules.names(o)
}

func (t moduleTree) names(o Options) ([]string, error) {
	var out []string
	for _, name := range o.Modules {
		name = strings.ReplaceAll(name, "-", "_") // as modprobe does
		if t.builtIn(name) {
			continue // it is part of vmlinux
		}
		if err := t.check(name); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	for _, name := range t.withBTF() {
		if o.AllModules || isLikely(name, o.LikelyModules) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
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

func (t moduleTree) check(name string) error {
	switch {
	case name == "" || name == "vmlinux" || filepath.Base(name) != name:
		return &hinted{msg: fmt.Sprintf("kernel module name %q is not valid", name), usage: true}
	case exists(t.btf, name):
		return nil
	case !exists(t.module, name):
		return &hinted{
			msg:   fmt.Sprintf("kernel module %q is not loaded", name),
			hint:  "`lsmod` lists the loaded modules",
			usage: true,
		}
	}
	return t.without(name)
}

// without says why a loaded module has no BTF.
func (t moduleTree) without(name string) error {
	e := &hinted{msg: fmt.Sprintf("kernel module %q has no BTF", name)}
	if len(t.withBTF()) == 0 {
		e.hint = "boot a kernel of 5.11 or newer with CONFIG_DEBUG_INFO_BTF_MODULES=y"
	}
	return e
}

// builtIn tells a module that is part of vmlinux: only others have an initstate.
func (t moduleTree) builtIn(name string) bool {
	return name != "" && filepath.Base(name) == name &&
		exists(t.module, name) && !exists(t.module, name, "initstate")
}

func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}
