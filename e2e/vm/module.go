// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var moduleFile = regexp.MustCompile(`^(.*)\.ko(\.xz|\.zst)?$`)

// moduleSet finds modules and their dependencies. Debian's packages have no modules.dep,
// so it reads the dependencies from the .modinfo section of each module.
type moduleSet struct {
	paths   map[string]string // by name
	builtin map[string]bool
	// order lists the requested modules, dependencies first; data has their unpacked files.
	order []string
	data  map[string][]byte
}

func newModuleSet(folder string) (*moduleSet, error) {
	s := &moduleSet{paths: make(map[string]string), builtin: make(map[string]bool), data: make(map[string][]byte)}
	list, err := os.ReadFile(filepath.Join(folder, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Fields(string(list)) {
		s.builtin[moduleName(filepath.Base(line))] = true
	}
	return s, filepath.WalkDir(filepath.Join(folder, "kernel"), func(path string, d fs.DirEntry, err error) error {
		if name := moduleName(d.Name()); name != "" {
			s.paths[name] = path
		}
		return err
	})
}

// moduleName returns the name that the kernel uses for the module in a file NAME.ko, NAME.ko.xz or NAME.ko.zst (with
// underscores), or "" for other files.
func moduleName(file string) string {
	m := moduleFile.FindStringSubmatch(file)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "-", "_")
}

// add adds a module and its dependencies, unless it is built into the kernel.
func (s *moduleSet) add(name string) error {
	name = strings.ReplaceAll(name, "-", "_")
	if s.builtin[name] || s.data[name] != nil {
		return nil
	}
	data, err := s.read(name)
	if err != nil {
		return err
	}
	s.data[name] = data
	info, err := modinfo(data)
	if err != nil {
		return fmt.Errorf("module %q: %w", name, err)
	}
	for _, n := range append(s.algorithms(info), dependsEntry(info)...) {
		if err := s.add(n); err != nil {
			return err
		}
	}
	s.order = append(s.order, name)
	return nil
}

func (s *moduleSet) read(name string) ([]byte, error) {
	path := s.paths[name]
	if path == "" {
		return nil, fmt.Errorf("module %q: neither built in nor in the package", name)
	}
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return unpack(packed, false)
}

// modinfo returns the .modinfo section of a module: NUL-terminated entries NAME=VALUE.
func modinfo(module []byte) (string, error) {
	f, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return "", err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return "", fmt.Errorf("no section .modinfo")
	}
	info, err := section.Data()
	return string(info), err
}

func dependsEntry(info string) []string {
	for entry := range strings.SplitSeq(info, "\x00") {
		if names, ok := strings.CutPrefix(entry, "depends="); ok && names != "" {
			return strings.Split(names, ",")
		}
	}
	return nil
}

// algorithms returns the modules NAME_generic, the C implementations of crypto algorithms, for each NAME in the
// softdep entry of a module, if they exist as modules.
func (s *moduleSet) algorithms(info string) (needs []string) {
	for entry := range strings.SplitSeq(info, "\x00") {
		names, ok := strings.CutPrefix(entry, "softdep=pre: ")
		if !ok {
			continue
		}
		for _, name := range strings.Fields(names) {
			if generic := name + "_generic"; s.paths[generic] != "" {
				needs = append(needs, generic)
			}
		}
	}
	return needs
}
