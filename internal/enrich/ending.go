// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"slices"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

// lastFunction gives the memory of an sk_buff back. Nothing is seen of it after.
const lastFunction = "kfree_skbmem"

// endings know by which event an sk_buff ends. Where its last function is not
// traced, none does, but with tracepoints alone the two that tell of frees are
// the last ones.
type endings struct {
	byFunction, byTracepoint bool
}

func newEndings(functions []kernel.Function) endings {
	last := func(f kernel.Function) bool { return f.Name == lastFunction }
	return endings{
		byFunction:   slices.ContainsFunc(functions, last),
		byTracepoint: len(functions) == 0,
	}
}

func (n endings) isEnd(e *event.Event) bool {
	if e.Kind == event.Function {
		return n.byFunction && e.Names.Func == lastFunction
	}
	return n.byTracepoint && (e.Names.Func == "kfree_skb" || e.Names.Func == "consume_skb")
}
