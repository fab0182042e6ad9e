// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/expr"
	"tracer/internal/layout"
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
	k.describe(t)
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

// describe adds the types of modules that a kernel does not describe.
func (k *kernelTypes) describe(t testing.TB) {
	t.Helper()
	if len(k.modules) > 0 {
		return
	}
	described, err := layout.Describe(k.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range described {
		if k.modules[m.Name], err = btf.LoadSpecFromReader(bytes.NewReader(m.Raw)); err != nil {
			t.Fatal(err)
		}
	}
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

// prototypesOf returns all prototypes of a function.
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

// compiles returns the number of the first variant that compiles, counted from 1, or 0 and the error of the last one.
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
func matrix(t testing.TB, table *Table, k *kernelTypes) map[string]string {
	got := map[string]string{}
	note := func(key string, n int, err error) {
		if got[key] != "-" {
			got[key] = fmt.Sprint(n)
		}
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
		if d.Special == "" {
			decisionMatrix(d, k, note)
		}
	}
	reasonsOf(table, k, note)
	for _, s := range table.Sites {
		fits(t, k.name, s.Name, k, siteRoots(), s.Reads)
	}
	for _, d := range table.Decisions {
		for _, f := range d.Functions {
			if protos := prototypesOf(k, f); d.Special == "" && len(protos) == 1 {
				fits(t, k.name, d.Name, k, callRoots(d, protos[0]), d.Reads)
			}
		}
	}
	return got
}

// fits checks that the values of a site or decision fit into a record.
func fits(t testing.TB, kernel, name string, k expr.Types, roots expr.Roots, reads []Read) {
	t.Helper()
	var programs []*expr.Program
	for i := range reads {
		n, _ := compiles(k, roots, &reads[i])
		if n == 0 {
			continue
		}
		for _, text := range append([]string{reads[i].Where}, reads[i].Variants[n-1]...) {
			if text == "" {
				continue
			}
			p, err := expr.Value(k, roots, text)
			if err != nil {
				t.Fatal(err)
			}
			programs = append(programs, p)
		}
	}
	layout, err := expr.LayOut(programs)
	if err != nil {
		t.Errorf("%s: %s: %v", kernel, name, err)
	}
	if used := stackOf(expr.Values(programs)); used > mostStack {
		t.Errorf("%s: the values of %s use %d bytes of stack, at most %d are free: an expression keeps too many intermediate results", kernel, name, used, mostStack)
	}
	if testing.Verbose() {
		t.Logf("%s: %s: %d values, %d bytes", kernel, name, len(programs), layout.Size)
	}
}

// mostStack is what the programs that read values have left of the 512 bytes of all calls together. Kernels count each call in
// steps of 32 bytes.
const mostStack = 32

// stackOf returns the number of bytes of the stack that a program uses.
func stackOf(program asm.Instructions) (used int) {
	for _, i := range program {
		toStack := i.Dst == asm.R10 && i.OpCode.Class().IsStore()
		if toStack {
			used = max(used, -int(i.Offset))
		}
	}
	return used
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
		list := slices.DeleteFunc(slices.Clone(d.Reads), func(r Read) bool { return len(r.Variants) == 0 })
		for key, text := range map[string]string{"@skb": d.Skb, "@keep": d.Keep, "@counters": d.base()} {
			if text != "" {
				list = append(list, num(key, text))
			}
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

// reasonsOf notes which drop reasons a kernel has. Those of a subsystem have no common prefix.
func reasonsOf(table *Table, k *kernelTypes, note func(string, int, error)) {
	has := map[string]bool{}
	for _, t := range k.enums {
		for _, v := range t.(*btf.Enum).Values {
			has[strings.TrimPrefix(v.Name, "SKB_DROP_REASON_")] = true
		}
	}
	for _, c := range table.causes {
		reasons, _ := c.at()
		for _, reason := range reasons {
			if has[reason] {
				note("reason/"+reason, 1, nil)
			} else {
				note("reason/"+reason, 0, fmt.Errorf("no such reason"))
			}
		}
	}
}

const kernelsPath = "testdata/kernels.txt"

var update = flag.Bool("update", false, "rewrite docs/drops.md, and with TRACER_BTF also testdata/kernels.txt")

// TestReads compiles every read with the types of the kernels in the folders of TRACER_BTF (one folder per
// kernel, with the files vmlinux and MODULE), and compares what they lack with testdata/kernels.txt. Without
// TRACER_BTF it does so for the running kernel, which must not lack more than these kernels do.
func TestReads(t *testing.T) {
	table := load(t)
	from := os.Getenv("TRACER_BTF")
	if from == "" {
		checkRunning(t, table)
		return
	}
	folders, _ := filepath.Glob(filepath.Join(from, "*", "vmlinux"))
	if len(folders) == 0 {
		t.Fatalf("TRACER_BTF=%q: no folder there has a file vmlinux", from)
	}
	var kernels []string
	missing := map[string][]string{}
	for _, file := range folders {
		k := loadTypes(t, filepath.Dir(file), modulesOf(table))
		kernels = append(kernels, k.name)
		lacks := lacking(matrix(t, table, k))
		for _, key := range lacks {
			missing[key] = append(missing[key], k.name)
		}
		t.Logf("%s lacks %d", k.name, len(lacks))
	}
	want := formatKernels(kernels, missing)
	if *update {
		if err := os.WriteFile(kernelsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(kernelsPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s differs from the kernels in %s, -update writes it (-file +kernels):\n%s", kernelsPath, from, diff)
	}
}

func lacking(matrix map[string]string) []string {
	var keys []string
	for key, n := range matrix {
		if n == "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// checkRunning checks the values whose types are in vmlinux of the running kernel; modules may not be loaded.
func checkRunning(t *testing.T, table *Table) {
	_, missing := readKernels(t)
	k := loadTypes(t, "/sys/kernel/btf", nil)
	inModule := map[string]bool{}
	for _, d := range table.Decisions {
		inModule[d.Name] = d.Module != ""
	}
	for _, s := range table.Sites {
		inModule[s.Name] = s.Module != ""
	}
	for _, key := range lacking(matrix(t, table, k)) {
		name, _, _ := strings.Cut(key, "/")
		isFunction := strings.HasSuffix(key, "()") // which may be missing by the kernel's configuration
		if len(missing[key]) == 0 && !inModule[name] && !isFunction {
			t.Errorf("the running kernel lacks %s", key)
		}
	}
}

// formatKernels has the kernels, and what some of them lack. arm64 is only mentioned if it differs.
func formatKernels(kernels []string, missing map[string][]string) string {
	var b strings.Builder
	b.WriteString("# What the types of a kernel lack: SITE/VALUE, DECISION/VALUE, DECISION/FUNCTION() or reason/REASON.\n")
	b.WriteString("# Made by TRACER_BTF=FOLDER go test ./internal/explain -run TestReads -update\n")
	fmt.Fprintf(&b, "kernels: %s\n", strings.Join(kernels, " "))
	for _, key := range slices.Sorted(maps.Keys(missing)) {
		slices.Sort(missing[key])
		fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(missing[key], " "))
	}
	return b.String()
}

// readKernels reads the file at kernelsPath.
func readKernels(t testing.TB) (kernels []string, missing map[string][]string) {
	t.Helper()
	text, err := os.ReadFile(kernelsPath)
	if err != nil {
		t.Fatal(err)
	}
	missing = map[string][]string{}
	for line := range strings.Lines(string(text)) {
		key, list, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case !ok || strings.HasPrefix(line, "#"):
		case key == "kernels":
			kernels = strings.Fields(list)
		default:
			missing[key] = strings.Fields(list)
		}
	}
	return kernels, missing
}
