// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"slices"
	"strings"
)

// tracepointProtos calls f for each raw tracepoint of t, but not of its base. The prototype is that of the
// typedef btf_trace_NAME, whose first parameter (void *__data) is not an argument of the tracepoint.
func (t *types) tracepointProtos(f func(name []byte, proto record)) {
	t.each(kindTypedef, func(r record) {
		name, ok := bytes.CutPrefix(t.name(r.name), []byte("btf_trace_"))
		if !ok {
			return
		}
		if ptr := t.at(r.ref()); ptr.kind() == kindPtr {
			if proto := t.at(ptr.ref()); proto.kind() == kindFuncProto {
				f(name, proto)
			}
		}
	})
}

// tracepoints returns the raw tracepoints that take an skb.
func (t *types) tracepoints(module string) []Tracepoint {
	r := newParamKinds(t)
	var out []Tracepoint
	t.tracepointProtos(func(name []byte, proto record) {
		if tp := r.tracepoint(proto); tp.SkbArg >= 0 {
			tp.Name, tp.Module = string(name), module
			out = append(out, tp)
		}
	})
	return out
}

// tracepoint finds the arguments. The prototype of a typedef has no parameter names, so the location is
// recognised by its position: a void pointer after the skb (kfree_skb, and consume_skb since 6.3).
func (r *paramKinds) tracepoint(proto record) Tracepoint {
	tp := Tracepoint{SkbArg: -1, ReasonArg: -1, LocationArg: -1, SocketArg: -1}
	for i := 1; i < proto.length(); i++ {
		arg := i - 1
		switch r.of(proto.word(2*i + 1)) {
		case skbPointer:
			if tp.SkbArg < 0 {
				tp.SkbArg = arg
			}
		case reasonEnum:
			tp.ReasonArg = arg
		case voidPointer:
			if tp.SkbArg >= 0 && tp.SkbArg == arg-1 {
				tp.LocationArg = arg
			}
		case socketPointer:
			if tp.SocketArg < 0 {
				tp.SocketArg = arg
			}
		}
	}
	return tp
}

func sortTracepoints(list []Tracepoint) {
	slices.SortFunc(list, func(a, b Tracepoint) int { return strings.Compare(a.Name, b.Name) })
}
