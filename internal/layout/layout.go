// SPDX-License-Identifier: Apache-2.0

// Package layout describes the types of kernel modules on kernels that do not: those before 5.11 have BTF of vmlinux only.
// The layouts are constants. A layout is used only if a trial on the running kernel shows that it is right.
package layout

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// Module describes a loaded module.
type Module struct {
	Name string
	// Raw is its BTF, which does not refer to that of vmlinux.
	Raw []byte
}

// Find describes the modules of nftables that are loaded, for a kernel release. It returns nil without an error if nf_tables is not
// loaded, or if the kernel describes it, and an error if its layout is unknown, or if the trial shows another one.
func Find(release string) ([]Module, error) {
	if !isLoaded("nf_tables") || exists("/sys/kernel/btf/nf_tables") || !exists("/sys/kernel/btf/vmlinux") {
		return nil, nil
	}
	l := layoutOf(release)
	if l == nil {
		return nil, errors.New("no layout of nf_tables is known for this kernel")
	}
	if err := try(l); err != nil {
		return nil, fmt.Errorf("layout of nf_tables: %w", err)
	}
	all, err := Describe(release)
	return slices.DeleteFunc(all, func(m Module) bool { return !isLoaded(m.Name) }), err
}

// Describe describes all modules of nftables of a kernel release, sorted by name, if their layout is known. It tries nothing.
func Describe(release string) (all []Module, err error) {
	l := layoutOf(release)
	if l == nil {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(l.functions)) {
		raw, err := l.encode(l.functions[name])
		if err != nil {
			return nil, err
		}
		all = append(all, Module{name, raw})
	}
	return all, nil
}

// isLoaded reports whether a module is loaded, and not part of vmlinux, whose types the kernel describes: such a module has no initstate.
func isLoaded(module string) bool { return exists(filepath.Join("/sys/module", module, "initstate")) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// layoutOf returns the layout for a kernel release, or nil.
func layoutOf(release string) *layout {
	if strings.HasPrefix(release, "5.10.") {
		return &nftables510
	}
	return nil
}

// layout has the structs of a set of modules, and their functions.
type layout struct {
	structs []structure
	// functions are by module.
	functions map[string][]string
}

// structure is a struct. Members are only those that tracer reads.
type structure struct {
	name    string
	size    uint32
	members []member
}

// member is a member of a struct. of is an integer type, void, a struct, or a pointer to one of them with a leading *.
// Members with bits are bit-fields; from is the first bit, counted from the byte at.
type member struct {
	name       string
	at         uint32
	of         string
	from, bits uint32
}

// offset returns the offset of a member of a struct. Neither is unknown.
func (l *layout) offset(of, name string) uint32 { return l.member(of, name).at }

func (l *layout) member(of, name string) member {
	for _, s := range l.structs {
		if s.name != of {
			continue
		}
		for _, m := range s.members {
			if m.name == name {
				return m
			}
		}
	}
	panic("no member " + of + "." + name)
}

// encode returns BTF with the structs and the given functions.
func (l *layout) encode(functions []string) ([]byte, error) {
	t := typesOf(l.structs)
	var roots []btf.Type
	for _, s := range l.structs {
		roots = append(roots, t[s.name])
	}
	for _, name := range functions {
		roots = append(roots, &btf.Func{Name: name, Type: t.prototype(name), Linkage: btf.GlobalFunc})
	}
	b, err := btf.NewBuilder(roots, nil)
	if err != nil {
		return nil, err
	}
	return b.Marshal(nil, nil)
}

// types are types by name.
type types map[string]btf.Type

func typesOf(structs []structure) types {
	t := types{
		"void": &btf.Void{}, "sk_buff": &btf.Fwd{Name: "sk_buff", Kind: btf.FwdStruct},
		"u8": &btf.Int{Name: "unsigned char", Size: 1}, "u16": &btf.Int{Name: "short unsigned int", Size: 2},
		"u32": &btf.Int{Name: "unsigned int", Size: 4}, "s32": &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		"u64": &btf.Int{Name: "long long unsigned int", Size: 8},
	}
	for _, s := range structs {
		t[s.name] = &btf.Struct{Name: s.name, Size: s.size}
	}
	for _, s := range structs {
		of := t[s.name].(*btf.Struct)
		for _, m := range s.members {
			of.Members = append(of.Members, btf.Member{Name: m.name, Type: t.named(m.of), Offset: btf.Bits(8*m.at + m.from), BitfieldSize: btf.Bits(m.bits)})
		}
	}
	return t
}

func (t types) named(name string) btf.Type {
	if to, isPointer := strings.CutPrefix(name, "*"); isPointer {
		return &btf.Pointer{Target: t.named(to)}
	}
	if of, isArray := strings.CutSuffix(name, "[]"); isArray {
		return &btf.Array{Index: t["u32"], Type: t[of]}
	}
	return t[name]
}

func (t types) prototype(function string) *btf.FuncProto {
	parameters := nftParameters(function)
	p := &btf.FuncProto{Return: t["u32"]}
	for _, m := range parameters {
		p.Params = append(p.Params, btf.FuncParam{Name: m.name, Type: t.named(m.of)})
	}
	return p
}
