// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/kernel"
)

type symbol struct{ name, module string }

// function is one that is attached, and where among its arguments a drop reason is; 0 is nowhere.
type function struct {
	symbol
	reason int
}

// functions name the entries of functions.
type functions struct {
	attached table[function]
	others   *places
}

func newFunctions(attached []kernel.Function, others *places) functions {
	known := newTable[function](len(attached))
	for _, f := range attached {
		known.set(f.Addr, function{symbol{f.Name, f.Module}, f.ReasonArg}) // by none where kptr_restrict hid them
	}
	return functions{known, others}
}

// name names the function at or around the event's address: without bpf_get_func_ip (before
// 5.15) that can be a few bytes past the entry. A drop reason that is not told of
// is found among its arguments.
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
