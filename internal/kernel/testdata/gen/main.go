// SPDX-License-Identifier: Apache-2.0

// Gen reduces the files of a real kernel to what the tests of package kernel
// use: the functions and tracepoints named in a file, with the types of
// their parameters but without the members of structs.
//
//	go run ./testdata/gen -btf vmlinux -kallsyms FILE [-places FILE | -names FILE] -want FILE -out DIR
//
// The inputs are /sys/kernel/btf/vmlinux, /proc/kallsyms,
// available_filter_functions_addrs and available_filter_functions.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf/btf"
)

var (
	btfFile  = flag.String("btf", "", "BTF of the kernel")
	kallsyms = flag.String("kallsyms", "", "its symbols")
	places   = flag.String("places", "", "its available_filter_functions_addrs")
	names    = flag.String("names", "", "its available_filter_functions")
	want     = flag.String("want", "", "names to keep, one a line")
	out      = flag.String("out", "", "folder to write")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	check(os.MkdirAll(*out, 0o755))
	keep := wanted(*want)
	writeBTF(keep)
	cut(*kallsyms, "kallsyms", 2, keep)
	cut(*places, "places", 1, keep)
	cut(*names, "names", 0, keep)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func wanted(file string) map[string]bool {
	b, err := os.ReadFile(file)
	check(err)
	keep := map[string]bool{}
	for _, name := range strings.Fields(string(b)) {
		keep[name] = true
	}
	return keep
}

func writeBTF(keep map[string]bool) {
	spec, err := btf.LoadSpec(*btfFile)
	check(err)
	b, err := btf.NewBuilder(chosen(spec, keep), nil)
	check(err)
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	check(err)
	f, err := os.Create(filepath.Join(*out, "btf.gz"))
	check(err)
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	check(err)
	_, err = z.Write(raw)
	check(err)
	check(z.Close())
	check(f.Close())
}

func chosen(spec *btf.Spec, keep map[string]bool) []btf.Type {
	var types []btf.Type
	p := pruner{}
	for t, err := range spec.All() {
		check(err)
		switch t.(type) {
		case *btf.Func, *btf.Typedef, *btf.Enum:
			if keep[t.TypeName()] {
				types = append(types, p.prune(t))
			}
		}
	}
	return types
}

// pruner copies types without the members of structs.
type pruner map[btf.Type]btf.Type

func (p pruner) prune(t btf.Type) btf.Type {
	if done, ok := p[t]; ok {
		return done
	}
	switch t := t.(type) {
	case *btf.Struct:
		p[t] = &btf.Struct{Name: t.Name, Size: t.Size}
	case *btf.Union:
		p[t] = &btf.Union{Name: t.Name, Size: t.Size}
	case *btf.Pointer:
		n := &btf.Pointer{}
		p[t] = n
		n.Target = p.prune(t.Target)
	case *btf.FuncProto:
		n := &btf.FuncProto{}
		p[t] = n
		n.Return = p.prune(t.Return)
		for _, a := range t.Params {
			n.Params = append(n.Params, btf.FuncParam{Name: a.Name, Type: p.prune(a.Type)})
		}
	case *btf.Func:
		p[t] = &btf.Func{Name: t.Name, Type: p.prune(t.Type), Linkage: t.Linkage, Tags: t.Tags}
	case *btf.Typedef:
		p[t] = &btf.Typedef{Name: t.Name, Type: p.prune(t.Type)}
	case *btf.Const:
		p[t] = &btf.Const{Type: p.prune(t.Type)}
	case *btf.Volatile:
		p[t] = &btf.Volatile{Type: p.prune(t.Type)}
	case *btf.Restrict:
		p[t] = &btf.Restrict{Type: p.prune(t.Type)}
	case *btf.TypeTag:
		p[t] = &btf.TypeTag{Type: p.prune(t.Type), Value: t.Value}
	case *btf.Array:
		p[t] = &btf.Array{Index: p.prune(t.Index), Type: p.prune(t.Type), Nelems: t.Nelems}
	default:
		p[t] = t // refers to no other types
	}
	return p[t]
}

// cut keeps the lines whose name in that column is wanted, compared without a compiler suffix such as .isra.0.
// Of kallsyms it also keeps the line after each, which shows where the function ends.
func cut(in, name string, column int, keep map[string]bool) {
	if in == "" {
		return
	}
	f, err := os.Open(in)
	check(err)
	var lines []string
	ends := false
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		base, _, _ := strings.Cut(fields[column], ".")
		hit := keep[base]
		if hit || ends && column == 2 {
			lines = append(lines, s.Text())
		}
		ends = hit
	}
	check(f.Close())
	check(os.WriteFile(filepath.Join(*out, name), []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}
