// SPDX-License-Identifier: Apache-2.0

// Gen extracts structs from the BTF of a kernel, with the types of their members. The targets of
// pointers become forward declarations.
//
//	go run ./testdata/gen -btf vmlinux -out FILE.gz sk_buff skb_shared_info
package main

import (
	"compress/gzip"
	"encoding/binary"
	"flag"
	"log"
	"os"

	"github.com/cilium/ebpf/btf"
)

var (
	btfFile = flag.String("btf", "", "BTF of the kernel: its /sys/kernel/btf/vmlinux")
	out     = flag.String("out", "", "file to write")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	spec, err := btf.LoadSpec(*btfFile)
	check(err)
	var types []btf.Type
	p := pruner{}
	for _, name := range flag.Args() {
		var s *btf.Struct
		check(spec.TypeByName(name, &s))
		types = append(types, p.prune(s))
	}
	write(types)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func write(types []btf.Type) {
	b, err := btf.NewBuilder(types, nil)
	check(err)
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	check(err)
	f, err := os.Create(*out)
	check(err)
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	check(err)
	_, err = z.Write(raw)
	check(err)
	check(z.Close())
	check(f.Close())
}

// pruner has the new type for each type that was copied.
type pruner map[btf.Type]btf.Type

func (p pruner) prune(t btf.Type) btf.Type {
	if done, ok := p[t]; ok {
		return done
	}
	switch t := t.(type) {
	case *btf.Struct:
		n := &btf.Struct{Name: t.Name, Size: t.Size}
		p[t] = n
		n.Members = p.members(t.Members)
	case *btf.Union:
		n := &btf.Union{Name: t.Name, Size: t.Size}
		p[t] = n
		n.Members = p.members(t.Members)
	case *btf.Pointer:
		p[t] = &btf.Pointer{Target: p.name(t.Target)}
	case *btf.Typedef:
		p[t] = &btf.Typedef{Name: t.Name, Type: p.prune(t.Type)}
	case *btf.Const:
		p[t] = &btf.Const{Type: p.prune(t.Type)}
	case *btf.Volatile:
		p[t] = &btf.Volatile{Type: p.prune(t.Type)}
	case *btf.TypeTag:
		p[t] = &btf.TypeTag{Type: p.prune(t.Type), Value: t.Value}
	case *btf.Array:
		p[t] = &btf.Array{Index: p.prune(t.Index), Type: p.prune(t.Type), Nelems: t.Nelems}
	default:
		p[t] = t // refers to no other types
	}
	return p[t]
}

func (p pruner) members(all []btf.Member) []btf.Member {
	pruned := make([]btf.Member, len(all))
	for i, m := range all {
		pruned[i] = m
		pruned[i].Type = p.prune(m.Type)
	}
	return pruned
}

// name returns a pointer's target with structs and unions replaced by forward declarations.
func (p pruner) name(t btf.Type) btf.Type {
	switch t := t.(type) {
	case *btf.Struct:
		return &btf.Fwd{Name: t.Name}
	case *btf.Union:
		return &btf.Fwd{Name: t.Name, Kind: btf.FwdUnion}
	case *btf.Pointer:
		return &btf.Pointer{Target: p.name(t.Target)}
	case *btf.Const:
		return &btf.Const{Type: p.name(t.Type)}
	case *btf.TypeTag:
		return &btf.TypeTag{Type: p.name(t.Type), Value: t.Value}
	case *btf.FuncProto:
		n := &btf.FuncProto{Return: p.name(t.Return)}
		for _, a := range t.Params {
			n.Params = append(n.Params, btf.FuncParam{Name: a.Name, Type: p.name(a.Type)})
		}
		return n
	}
	return t
}
