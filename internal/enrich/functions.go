// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/kernel"
)

type symbol struct{ name, module string }

// function is an attached function, and the number of the argument that has a drop reason; 0 means none.
type function struct {
	symbol
	reason int
}

// functions names functions by the addresses of their entries.
type functions struct {
	attached table[function]
	others   *locations
}

func newFunctions(attached []kernel.Function, others *locations) functions {
	known := newTable[function](len(attached))
	for _, f := range attached {
		known.set(f.Addr, function{symbol{f.Name, f.Module}, f.ReasonArg}) // has no effect if kptr_restrict hides addresses
	}
	return functions{known, others}
}

// name sets the name of the function at or around the event's address: without bpf_get_func_ip (before
// 5.15) the address can be a few bytes past the entry. It takes a drop reason that the record does not have
// from the arguments.
func (f *functions) name(e *event.Event) {
	known := f.attached.at(e.Addr)
	if known == nil {
		around := f.others.at(e.Addr)
		e.Names.Func, e.Names.Module = around.Symbol, around.Module
		return
	}
	e.Names.Func, e.Names.Module = known.name, known.module
	if known.reason != 0 && e.Kind == event.Function && !e.Drop.HasReason {
		e.Drop.HasReason, e.Drop.Reason = true, e.Raw.Arguments[known.reason-kernel.FirstArgument]
	}
}
