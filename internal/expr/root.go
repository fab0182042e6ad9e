// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/nearest"
	"tracer/internal/printable"
)

// Root is a variable of expressions.
type Root struct {
	Name string
	// Type is the type of the value: a number or a pointer. If it is nil, the value is a
	// pointer to the struct named Struct.
	Type   btf.Type
	Struct string
	// Fixed is set if the value of the root is the constant Value. A fixed root is not an element of the array of
	// [Listed].
	Fixed bool
	Value uint64
}

// Roots are the variables of one kind of expression.
type Roots struct {
	list []Root
	// listed is set if the first argument of a body points to an array with the values of
	// all roots. Otherwise it is the value of the only root.
	listed bool
}

// Skb is the root of expressions about packets, Xdp the root of expressions about XDP
// frames, which have no sk_buff yet. A body gets the root's value as its first argument.
var (
	Skb = Roots{list: []Root{{Name: "skb", Struct: "sk_buff"}}}
	Xdp = Roots{list: []Root{{Name: "xdp", Struct: "xdp_buff"}}}
)

// Listed returns several roots. The first argument of a body points to an array of u64
// with the value of each root. The body loads
// from it without a helper, so it must be a pointer that the verifier tracks, such as one to the stack.
func Listed(list ...Root) Roots { return Roots{list, true} }

// Result is the name of a function's return value.
const Result = "ret"

// Arguments returns the roots of expressions about a function call: its parameters in
// order, then Result, unless the function returns void.
func Arguments(proto *btf.FuncProto) Roots {
	var list []Root
	for _, p := range proto.Params {
		list = append(list, Root{Name: p.Name, Type: p.Type})
	}
	if _, isVoid := btf.UnderlyingType(proto.Return).(*btf.Void); !isVoid {
		list = append(list, Root{Name: Result, Type: proto.Return})
	}
	return Listed(list...)
}

// index returns the index of root i in the array of values.
func (r Roots) index(i int) int {
	n := 0
	for _, before := range r.list[:i] {
		if !before.Fixed {
			n++
		}
	}
	return n
}

// names returns the names of all roots.
func (r Roots) names() []string {
	var names []string
	for _, root := range r.list {
		names = append(names, root.Name)
	}
	return names
}

// what returns the kind of expression, for messages.
func (r Roots) what() string {
	if r.listed {
		return "expression"
	}
	return r.list[0].Name + " expression"
}

// root checks a name. It returns false if the name is not a root.
func (c *checker) root(e *name) (operand, bool) {
	i := slices.IndexFunc(c.roots.list, func(r Root) bool { return r.Name == e.text })
	if i < 0 {
		return operand{}, false
	}
	t := c.typeOf(e, c.roots.list[i])
	k, ok := kindOf(t)
	if !ok {
		fail(e.place(), "%s is %s, which is neither a number nor a pointer", e.text, typeName(t))
	}
	var value node = root{c.roots.index(i), c.roots.listed}
	if r := c.roots.list[i]; r.Fixed {
		value = number(r.Value)
	}
	return operand{at: e.place(), typ: t, code: convert(value, kind{8, false}, k)}, true
}

func (c *checker) typeOf(e *name, r Root) btf.Type {
	if r.Type != nil {
		return r.Type
	}
	found := c.types.tagged("struct", r.Struct)
	if found == nil {
		fail(e.place(), "the kernel's types have no struct %s", r.Struct)
	}
	return &btf.Pointer{Target: found}
}

// pathTo returns the paths root->member for at most maxNear roots that have a member of that name.
func (c *checker) pathTo(e *name) []string {
	var paths []string
	for _, r := range c.roots.list {
		pointer, ok := btf.As[*btf.Pointer](c.typeOf(e, r))
		if !ok {
			continue
		}
		members, _ := membersOf(c.types.complete(pointer.Target))
		if _, _, ok := findMember(members, e.text, maxNested); ok {
			paths = append(paths, r.Name+"->"+e.text)
		}
	}
	return paths[:min(len(paths), maxNear)]
}

// checkBase rejects an unknown name before -> or . and suggests a root.
func (c *checker) checkBase(e expression) {
	base, ok := e.(*name)
	if !ok || c.isKnown(base.text) {
		return
	}
	names := c.roots.names()
	near := nearest.Words(base.text, names, maxNear)
	if len(near) == 0 && len(names) == 1 {
		near = names
	}
	failNear(base.place(), near, "%s is unknown: an expression starts with %s", printable.Quote(base.text), strings.Join(names, ", "))
}

func (c *checker) isKnown(name string) bool {
	if _, isWord := words[name]; isWord || slices.Contains(c.roots.names(), name) {
		return true
	}
	_, isConstant := c.constant(name)
	return isConstant
}
