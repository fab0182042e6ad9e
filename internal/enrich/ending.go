// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"slices"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

// lastFunction gives the memory of an sk_buff back. Nothing is seen of it after.
const lastFunction = "kfree_skbmem"

// lastTracepoints tell of frees.
var lastTracepoints = []string{"kfree_skb", "consume_skb"}

// endings know by which event an sk_buff ends. Where its last function is not
// traced, none does, but with tracepoints alone the two that tell of frees are
// the last ones.
type endings struct {
	byFunction, byTracepoint bool
	// complete says that no sk_buff ends without an event.
	complete bool
}

func newEndings(functions []kernel.Function, tracepoints []kernel.Tracepoint) endings {
	n := endings{
		byFunction:   slices.ContainsFunc(functions, func(f kernel.Function) bool { return f.Name == lastFunction }),
		byTracepoint: len(functions) == 0,
	}
	n.complete = n.byFunction || n.byTracepoint && seesEveryEnd(tracepoints)
	return n
}

// seesEveryEnd says that all the last tracepoints are there, or no others but some.
func seesEveryEnd(tracepoints []kernel.Tracepoint) bool {
	last := 0
	for _, t := range tracepoints {
		if slices.Contains(lastTracepoints, t.Name) {
			last++
		}
	}
	return last == len(lastTracepoints) || last > 0 && last == len(tracepoints)
}

func (n endings) isEnd(e *event.Event) bool {
	switch e.Kind {
	case event.Function:
		return n.byFunction && e.Names.Func == lastFunction
	case event.Tracepoint:
		return n.byTracepoint && slices.Contains(lastTracepoints, e.Names.Func)
	}
	return false
}
