// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/event"
)

// probeFrames are the prefixes of functions that are in a stack between the probed function and the program
// that took the stack.
var probeFrames = map[event.Kind][]string{
	event.Tracepoint: {
		"bpf_prog_", "bpf_dispatcher_", "bpf_trace_run", "__bpf_trace_run", "__bpf_trace_", "__traceiter_", "bpf_overflow_handler",
	},
	event.Program: {"bpf_prog_", "bpf_dispatcher_", "bpf_trampoline_", "bpf_get_stack", "__bpf_prog_"},
	event.Function: {
		"bpf_prog_", "bpf_dispatcher_", "bpf_trampoline_", "trace_call_bpf", "perf_trace_", "perf_call_bpf",
		"ftrace_trampoline", "ftrace_regs_caller", "ftrace_caller", "ftrace_call", "ftrace_ops_", "arch_ftrace_ops_",
		"kprobe_ftrace_handler", "kprobe_perf_func", "kprobe_dispatcher", "kprobe_handler", "kprobe_breakpoint_handler",
		"kprobe_int3_handler", "aggr_pre_handler", "opt_pre_handler", "optimized_callback", "optprobe_template_",
		"fprobe_", "__fprobe_", "kprobe_multi_link_", "arch_rethook_", "rethook_", "do_int3", "exc_int3", "asm_exc_int3",
	},
}

// probeFramesMost is the maximum number of such frames.
const probeFramesMost = 16

// stacks name the frames of a stack.
type stacks struct {
	returns locations
	entries *locations
	frames  []event.Frame // of the last event
}

func newStacks(s *symbols, entries *locations) stacks {
	return stacks{returns: newReturnAddresses(s), entries: entries}
}

// name sets the stack and the caller of an event that has its function's name and a raw stack.
func (s *stacks) name(e *event.Event) {
	switch {
	case e.Kind == event.Verdict: // its record has no frames
		return
	case e.Kind.IsReturn(): // its record has only the function and its caller
		e.Names.Caller = s.text(e.Raw.Stack[len(e.Raw.Stack)-1])
		return
	}
	addrs := e.Raw.Stack[s.probeFrames(e):]
	s.frames = s.frames[:0]
	caller := 0
	if e.Kind == event.Function {
		s.frames = append(s.frames, s.function(e))
		addrs, caller = s.callers(e, addrs), 1
	}
	for _, addr := range addrs {
		s.frames = append(s.frames, s.returns.at(addr).Frame)
	}
	e.Stack = s.frames
	if caller < len(s.frames) {
		e.Names.Caller = s.text(s.frames[caller].Addr)
	}
}

// probeFrames returns the number of frames of the probe at the start of the stack. BPF programs may have no
// symbol, so a frame without one counts if another frame of the probe follows. The kernel's code that runs a
// BPF program always has a symbol.
func (s *stacks) probeFrames(e *event.Event) int {
	own := 0
	for i, addr := range e.Raw.Stack[:min(len(e.Raw.Stack), probeFramesMost)] {
		if e.Kind == event.Function && s.isInside(addr, e.Addr) {
			break
		}
		symbol := s.returns.at(addr).Symbol
		if isProbeFrame(e.Kind, symbol) || e.Kind == event.Program && symbol == "" {
			own = i + 1
		} else if symbol != "" {
			break
		}
	}
	return own
}

func isProbeFrame(k event.Kind, symbol string) bool {
	return slices.ContainsFunc(probeFrames[k], func(prefix string) bool { return strings.HasPrefix(symbol, prefix) })
}

// function returns the frame of the function itself, at its entry.
func (s *stacks) function(e *event.Event) event.Frame {
	return event.Frame{
		Addr: e.Addr, Symbol: e.Names.Func, Module: e.Names.Module, Offset: s.entries.at(e.Addr).Offset,
	}
}

// callers removes the function itself from addrs. Some unwinders leave it out.
func (s *stacks) callers(e *event.Event, addrs []uint64) []uint64 {
	if len(addrs) > 0 && s.isInside(addrs[0], e.Addr) {
		return addrs[1:]
	}
	return addrs
}

// isInside reports whether addr is in the function with that entry.
func (s *stacks) isInside(addr, entry uint64) bool {
	if addr == entry {
		return true
	}
	a, b := s.entries.at(addr), s.entries.at(entry)
	return a.Symbol != "" && b.Symbol != "" && a.Addr-a.Offset == b.Addr-b.Offset
}

// text returns the location, or the address if it has no symbol.
func (s *stacks) text(addr uint64) string {
	if p := s.returns.at(addr); p.text != "" {
		return p.text
	}
	return fmt.Sprintf("%#x", addr)
}

func (s *stacks) forget() { s.returns.forget() }
