// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/nearest"
	"tracer/internal/printable"
)

// checker finds the type of each part of an expression and builds the tree of nodes
// that computes it.
type checker struct {
	types     finder
	roots     Roots
	constants map[string]enumerator // nil until one is needed
	notes     []string              // see Program.Notes
	terse     bool                  // errors suggest nothing
}

// operand checks an expression of any kind, except a string constant.
func (c *checker) operand(e expression) operand {
	switch e := e.(type) {
	case *name:
		return c.name(e)
	case *constant:
		return operand{at: e.place(), typ: e.kind.typeOf(), code: number(e.value)}
	case *member:
		return c.member(e)
	case *element:
		return c.element(e)
	case *prefixed:
		return c.prefixed(e)
	case *infix:
		return c.infix(e)
	case *cast:
		return c.cast(e)
	case *call:
		return c.call(e)
	case *sizeOf:
		return c.sizeOf(e)
	}
	fail(e.place(), "a string can only be compared, with == or !=")
	return operand{}
}

// words are the named constants of the language.
var words = map[string]operand{
	"NULL":  {typ: &btf.Pointer{Target: &btf.Void{}}, code: number(0)},
	"true":  {typ: intType, code: number(1)},
	"false": {typ: intType, code: number(0)},
}

// name checks a root, one of words, or a constant of an enum.
func (c *checker) name(e *name) operand {
	if root, ok := c.root(e); ok {
		return root
	}
	if word, ok := words[e.text]; ok {
		word.at = e.place()
		return word
	}
	return c.enumerator(e)
}

// enumerator checks a constant of an enum. Its type is int if its value fits.
func (c *checker) enumerator(e *name) operand {
	found, ok := c.constant(e.text)
	if !ok {
		c.unknown(e)
	}
	k := kind{4, true}
	if !found.of.Signed && found.value > math.MaxInt32 || k.wrap(found.value) != found.value {
		k = kind{max(4, int(found.of.Size)), found.of.Signed}
	}
	return operand{at: e.place(), typ: k.typeOf(), code: number(k.wrap(found.value))}
}

func (c *checker) constant(name string) (enumerator, bool) {
	if c.constants == nil {
		c.constants = c.types.enumerators()
	}
	found, ok := c.constants[name]
	return found, ok
}

// unknown rejects a name. If a root has a member of that name, the hint shows the path to it.
func (c *checker) unknown(e *name) {
	if c.terse {
		fail(e.place(), "%s is unknown", printable.Quote(e.text))
	}
	if paths := c.pathTo(e); len(paths) > 0 {
		failNear(e.place(), paths, "%s is unknown", printable.Quote(e.text))
	}
	roots := c.roots.names()
	names := slices.Concat(slices.Collect(maps.Keys(c.constants)), slices.Collect(maps.Keys(words)), roots)
	if likely := nearest.Words(e.text, names, maxNear); len(likely) > 0 {
		failNear(e.place(), likely, "%s is unknown", printable.Quote(e.text))
	}
	fail(e.place(), "%s is unknown: use %s or an enum constant; BTF has no #define constants", printable.Quote(e.text), strings.Join(roots, ", "))
}

func (c *checker) prefixed(e *prefixed) operand {
	switch e.sign {
	case "*":
		return c.pointedTo(c.operand(e.of).loaded(), e.place())
	case "&":
		return c.address(e)
	case "!":
		return operand{at: e.place(), typ: intType, code: negation{c.truth(e.of)}}
	}
	of := c.operand(e.of).integer(e.sign)
	k := of.promoted()
	promoted := convert(of.code, of.held(), k)
	result := operand{at: e.place(), typ: k.typeOf(), code: promoted}
	switch e.sign {
	case "-":
		result.code = calculate("-", number(0), promoted, k)
	case "~":
		result.code = calculate("^", promoted, number(k.wrap(math.MaxUint64)), k)
	}
	return result
}

// calculate returns the node for left - right or left ^ right. If both are constants, it computes the
// result.
func calculate(sign string, left, right node, k kind) node {
	l, leftKnown := left.(number)
	r, rightKnown := right.(number)
	switch {
	case !leftKnown || !rightKnown:
		return arithmetic{sign, left, right, k}
	case sign == "-":
		return number(k.wrap(uint64(l - r)))
	}
	return number(k.wrap(uint64(l ^ r)))
}

// address checks &x.
func (c *checker) address(e *prefixed) operand {
	of := c.operand(e.of)
	switch {
	case of.width > 0:
		fail(e.place(), "a bitfield has no address")
	case !of.place:
		fail(e.place(), "only a value in kernel memory has an address")
	}
	return operand{at: e.place(), typ: &btf.Pointer{Target: of.typ}, code: of.code}
}

// truth returns a node that is non-zero if the expression is true.
func (c *checker) truth(e expression) node {
	of := c.operand(e)
	if of.isArray() {
		fail(of.at, "%s is an array, whose address is always true", typeName(of.typ))
	}
	value := of.loaded()
	value.kind()
	return value.code
}

// cast checks (type)x.
func (c *checker) cast(e *cast) operand {
	to, ok := kindOf(e.to)
	if !ok {
		fail(e.place(), "can't cast to %s", typeName(e.to))
	}
	of := c.operand(e.of).loaded()
	from := of.held()
	result := operand{at: e.place(), typ: e.to}
	if isBoolean(e.to) {
		result.code = comparison{"!=", of.code, number(0), false}
		return result
	}
	result.code = convert(of.code, from, to)
	return result
}

// isBoolean reports whether a type is _Bool.
func isBoolean(t btf.Type) bool {
	i, ok := btf.As[*btf.Int](t)
	return ok && i.Encoding == btf.Bool
}

// functions maps the functions that convert the byte order to the size of their operand in bytes.
var functions = map[string]int{
	"ntohs": 2, "htons": 2, "bpf_ntohs": 2, "bpf_htons": 2,
	"ntohl": 4, "htonl": 4, "bpf_ntohl": 4, "bpf_htonl": 4,
	"be16_to_cpu": 2, "be32_to_cpu": 4, "be64_to_cpu": 8,
	"cpu_to_be16": 2, "cpu_to_be32": 4, "cpu_to_be64": 8,
	"bpf_be64_to_cpu": 8, "bpf_cpu_to_be64": 8,
}

// call checks a call of one of functions.
func (c *checker) call(e *call) operand {
	size, ok := functions[e.function]
	if !ok {
		names := slices.Collect(maps.Keys(functions))
		failNear(e.place(), nearest.Words(e.function, names, maxNear), "unknown function %s: the functions are ntohs, ntohl, htons, htonl and the like", printable.Quote(e.function))
	}
	of := c.operand(e.argument).integer(e.function)
	k := kind{size, false}
	return operand{at: e.place(), typ: k.typeOf(), code: swapped{of.code, size}}
}

// sizeOf checks sizeof, which is a constant.
func (c *checker) sizeOf(e *sizeOf) operand {
	t := e.to
	if e.of != nil {
		of := c.operand(e.of)
		if of.width > 0 {
			fail(e.place(), "a bitfield has no size in bytes")
		}
		t = of.typ
	}
	return operand{at: e.place(), typ: unsignedLong, code: number(c.size(t, e.place()))}
}

// size returns the size of a type in bytes.
func (c *checker) size(t btf.Type, at int) int64 {
	size, err := btf.Sizeof(t)
	if err != nil {
		size, err = btf.Sizeof(c.types.complete(t))
	}
	if err != nil {
		fail(at, "the size of %s is unknown", typeName(t))
	}
	return int64(size)
}
