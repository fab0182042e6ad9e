// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"regexp"
)

// MapOperation is what a function does with a BPF map.
type MapOperation uint8

const (
	// MapLookup returns the address of the value, or NULL.
	MapLookup MapOperation = iota + 1
	// MapElement is a look-up that returns the address of the hash table element that contains the value.
	MapElement
	// MapUpdate and MapDelete return 0 or an error number.
	MapUpdate
	MapDelete
)

// MapFunction is a function that BPF programs call for an operation on a map. Its arguments are the map, the
// address of the key and, for an update, the address of the value.
type MapFunction struct {
	Function
	Operation MapOperation
}

// elementLookup is the function that programs call instead of the look-up functions of hash tables, since the
// verifier inlines the rest of these.
const elementLookup = "__htab_map_lookup_elem"

// mapFunctionNames matches the functions of each map type. notOfPrograms matches the ones that only system calls use,
// and the ones of maps without keys.
var (
	mapFunctionNames = regexp.MustCompile(`^[a-z][a-z_]*_(lookup|update|delete)(?:_percpu)?_elem$`)
	notOfPrograms    = regexp.MustCompile(`^(?:bpf|fd_array|arena|ringbuf|queue_stack|bloom|stack|skel|map)_|_and_delete_elem$`)
	// undescribed matches the functions that count as map functions even if BTF does not describe them.
	undescribed = regexp.MustCompile(`^(?:htab|array|percpu_array|trie|dev_map|cpu_map|xsk_map|sock_map|sock_hash|reuseport_array|cgroup_storage)_`)
)

var mapOperations = map[string]MapOperation{"lookup": MapLookup, "update": MapUpdate, "delete": MapDelete}

// mapOperation returns the operation of the function with that name, or 0 if it is not a map function.
func mapOperation(name []byte) MapOperation {
	if string(name) == elementLookup {
		return MapElement
	}
	m := mapFunctionNames.FindSubmatch(name)
	if m == nil || notOfPrograms.Match(name) {
		return 0
	}
	return mapOperations[string(m[1])]
}

// mapFunctions returns the traceable map functions, and the others with a reason.
func (sel *selector) mapFunctions(types *types) (functions []MapFunction, skipped []Skipped) {
	described := types.takingMaps()
	for i, sym := range sel.symbols.list {
		name := sel.symbols.name(sym)
		if sym.length == 0 || sym.module != 0 || !bytes.HasSuffix(name, []byte("_elem")) {
			continue
		}
		operation := mapOperation(name)
		if operation == 0 || !described.takesMap(name) {
			continue
		}
		p := sel.funcRange(sym, sel.symbols.after(i))
		if p.Refused != "" {
			skipped = append(skipped, Skipped{p.Name, p.Module, p.Refused})
			continue
		}
		functions = append(functions, MapFunction{Function{Name: p.Name, Addr: p.Addr, Result: operation.result()}, operation})
	}
	return functions, skipped
}

func (o MapOperation) result() Result {
	if o == MapLookup || o == MapElement {
		return Result{Class: Pointer, Size: 8}
	}
	return Result{Class: Signed, Size: 4} // until 6.4 an int, since then a long
}

// describedMaps has, for each function in BTF, whether its first argument is a map.
type describedMaps map[string]bool

func (t *types) takingMaps() describedMaps {
	found := describedMaps{}
	t.functions(func(name uint32, proto record) {
		if n := t.name(name); bytes.HasSuffix(n, []byte("_elem")) {
			found[string(n)] = proto.length() > 0 && t.pointsTo(proto.word(1)) == "bpf_map"
		}
	})
	return found
}

func (d describedMaps) takesMap(name []byte) bool {
	takes, known := d[string(name)]
	return takes || !known && (undescribed.Match(name) || string(name) == elementLookup)
}
