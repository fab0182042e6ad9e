// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/expr"
	"tracer/internal/lookup"
)

// kernelTypes are the types of one kernel from files, as expr.Kernel has those of the running one.
type kernelTypes struct {
	name    string
	vmlinux *btf.Spec
	modules map[string]*btf.Spec
	enums   []btf.Type
}

// loadTypes reads the BTF files vmlinux and MODULE from a folder. Only modules that the table names are read.
func loadTypes(t testing.TB, folder string, modules []string) *kernelTypes {
	t.Helper()
	vmlinux, err := btf.LoadSpec(filepath.Join(folder, "vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	k := &kernelTypes{name: filepath.Base(folder), vmlinux: vmlinux, modules: map[string]*btf.Spec{}}
	for _, name := range modules {
		file, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			continue // built in, or a kernel without BTF of modules (5.10)
		}
		if k.modules[name], err = btf.LoadSplitSpecFromReader(file, vmlinux); err != nil {
			t.Fatalf("%s: %v", file.Name(), err)
		}
		file.Close()
	}
	for found, err := range vmlinux.All() {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := found.(*btf.Enum); ok {
			k.enums = append(k.enums, found)
		}
	}
	return k
}

func (k *kernelTypes) AnyTypesByName(name string) ([]btf.Type, error) {
	found, err := k.vmlinux.AnyTypesByName(name)
	isDeclared := !slices.ContainsFunc(found, func(t btf.Type) bool { _, ok := t.(*btf.Fwd); return !ok })
	if err == nil && !isDeclared {
		return found, nil
	}
	for _, module := range k.modules {
		more, _ := module.AnyTypesByName(name)
		found = append(found, more...)
	}
	if len(found) == 0 {
		return nil, btf.ErrNotFound
	}
	return found, nil
}

func (k *kernelTypes) All() iter.Seq2[btf.Type, error] {
	return func(yield func(btf.Type, error) bool) {
		for _, t := range k.enums {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// modulesOf returns the modules that the table names.
func modulesOf(t *Table) []string {
	names := []string{}
	for _, d := range t.Decisions {
		names = append(names, strings.Fields(d.Module)...)
	}
	for _, s := range t.Sites {
		names = append(names, strings.Fields(s.Module)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// symbolRoots are the roots of all symbols.
func symbolRoots() []expr.Root {
	roots := []expr.Root{{Name: "cpu", Type: &btf.Int{Name: "unsigned int", Size: 8}}}
	for _, s := range Symbols {
		if s.Struct != "" {
			roots = append(roots, expr.Root{Name: s.Name, Struct: s.Struct})
			continue
		}
		encoding := btf.Unsigned
		if s.Signed {
			encoding = btf.Signed
		}
		roots = append(roots, expr.Root{Name: s.Name, Type: &btf.Pointer{Target: &btf.Int{Name: "number", Size: s.Size, Encoding: encoding}}})
	}
	return roots
}

func siteRoots() expr.Roots {
	return expr.Listed(append([]expr.Root{{Name: "skb", Struct: "sk_buff"}, {Name: "sk", Struct: "sock"}}, symbolRoots()...)...)
}

// prototypeOf returns the first prototype of a function that has the parameters of the table's expressions.
func prototypesOf(k expr.Types, name string) (list []*btf.FuncProto) {
	all, _ := k.AnyTypesByName(name)
	for _, t := range all {
		if f, ok := t.(*btf.Func); ok {
			list = append(list, f.Type.(*btf.FuncProto))
		}
	}
	return list
}

// callRoots are the roots of a decision.
func callRoots(d *Decision, proto *btf.FuncProto) expr.Roots {
	var roots []expr.Root
	for _, p := range proto.Params {
		root := expr.Root{Name: p.Name, Type: p.Type}
		if pointer, ok := btf.As[*btf.Pointer](p.Type); ok {
			alias := lookup.Aliases[btf.UnderlyingType(pointer.Target).TypeName()]
			if alias != "" && !slices.ContainsFunc(roots, func(r expr.Root) bool { return r.Name == alias }) {
				root.Name = alias
			}
		}
		roots = append(roots, root)
	}
	if d.At == AtReturn {
		roots = append(roots, expr.Root{Name: "ret", Type: proto.Return})
	}
	return expr.Listed(append(roots, symbolRoots()...)...)
}

// compiles returns the number of the variant that compiles, from 1, or 0 and the error of the last one.
func compiles(k expr.Types, roots expr.Roots, r *Read) (int, error) {
	var err error
	for i, variant := range r.Variants {
		if err = compileAll(k, roots, append([]string{r.Where}, variant...)); err == nil {
			return i + 1, nil
		}
	}
	return 0, err
}

func compileAll(k expr.Types, roots expr.Roots, texts []string) error {
	for _, text := range texts {
		if text == "" {
			continue
		}
		if _, err := expr.Value(k, roots, text); err != nil {
			return err
		}
	}
	return nil
}

// matrix returns for each read, and for each function, what a kernel has: the number of the variant, or "-".
func matrix(t testing.TB, table *Table, k expr.Types) map[string]string {
	got := map[string]string{}
	note := func(key string, n int, err error) {
		got[key] = fmt.Sprint(n)
		if n == 0 {
			got[key] = "-"
			if testing.Verbose() {
				t.Logf("%s: %v", key, err)
			}
		}
	}
	for _, s := range table.Sites {
		for i := range s.Reads {
			n, err := compiles(k, siteRoots(), &s.Reads[i])
			note(s.Name+"/"+s.Reads[i].Key, n, err)
		}
	}
	for _, d := range table.Decisions {
		decisionMatrix(d, k, note)
	}
	return got
}

func decisionMatrix(d *Decision, k expr.Types, note func(string, int, error)) {
	for i, f := range d.Functions {
		protos := prototypesOf(k, f)
		if len(protos) != 1 {
			note(d.Name+"/"+f+"()", 0, fmt.Errorf("%d prototypes", len(protos)))
			continue
		}
		note(d.Name+"/"+f+"()", i+1, nil)
		roots := callRoots(d, protos[0])
		list := append(slices.Clone(d.Reads), num("@skb", d.Skb), num("@keep", d.Keep), num("@counters", ""))
		if d.Counters != nil {
			list[len(list)-1] = num("@counters", d.Counters.Base)
		}
		for j := range list {
			n, err := compiles(k, roots, &list[j])
			note(d.Name+"/"+list[j].Key, n, err)
		}
		if !d.Every {
			return
		}
	}
}

// TestReads compiles every read with the types of the running kernel, or of the kernels in the folders of
// TRACER_BTF (one folder per kernel, with the files vmlinux and MODULE), and compares with testdata/kernels.txt.
func TestReads(t *testing.T) {
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{"/sys/kernel/btf"}
	if from := os.Getenv("TRACER_BTF"); from != "" {
		if folders, _ = filepath.Glob(filepath.Join(from, "*", "vmlinux")); len(folders) == 0 {
			t.Fatalf("TRACER_BTF=%q: no folder there has a file vmlinux", from)
		}
		for i := range folders {
			folders[i] = filepath.Dir(folders[i])
		}
	}
	found := map[string]map[string]string{}
	for _, folder := range folders {
		k := loadTypes(t, folder, modulesOf(table))
		t.Run(k.name, func(t *testing.T) { found[k.name] = matrix(t, table, k) })
	}
	for name, got := range found {
		missing := []string{}
		for key, n := range got {
			if n == "-" {
				missing = append(missing, key)
			}
		}
		slices.Sort(missing)
		t.Logf("%s: %d of %d missing: %s", name, len(missing), len(got), strings.Join(missing, " "))
	}
}
