// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

const stackSymbols = `ffffffff81000000 T _stext
ffffffff81000100 T ip_rcv
ffffffff81000200 t ip_rcv_finish
ffffffff81000300 t kfree_skb_reason
ffffffff81000400 t bpf_trace_run3
ffffffff81000500 t __traceiter_kfree_skb
ffffffff81000600 t ftrace_regs_caller
ffffffff81000700 t kprobe_ftrace_handler
ffffffff81000900 T _etext
ffffffffc0000000 t nft_do_chain	[nf_tables]
ffffffffc0000400 t nft_end	[nf_tables]
ffffffffc0900000 t bpf_prog_0123456789abcdef_tracer	[bpf]
ffffffffc0900400 t bpf_dispatcher_xdp	[bpf]
ffffffffc0900800 t bpf_end	[bpf]
`

const (
	ipRcv      = 0xffffffff81000100
	inIPRcv    = 0xffffffff81000123
	inFinish   = 0xffffffff81000234
	inKfree    = 0xffffffff81000345
	inTraceRun = 0xffffffff81000411
	inIter     = 0xffffffff81000522
	inFtrace   = 0xffffffff81000611
	inKprobe   = 0xffffffff81000722
	inChain    = 0xffffffffc000005c
	inProgram  = 0xffffffffc0900010
	// The kernel names programs whose code follows its XDP dispatcher after the dispatcher.
	inDispatcher = 0xffffffffc0900410
)

func enricherOfStacks(t *testing.T) *Enricher {
	r := New(Options{Functions: []kernel.Function{{Name: "ip_rcv", Addr: ipRcv}}, Tracepoints: []kernel.Tracepoint{{Name: "kfree_skb"}}})
	*r.symbols = *fixed(t, stackSymbols)
	return r
}

// stackOf returns the caller and the frames as text.
func stackOf(r *Enricher, e event.Event) string {
	r.Enrich(&e)
	words := []string{e.Names.Caller}
	for _, f := range e.Stack {
		switch {
		case f.Symbol == "":
			words = append(words, fmt.Sprintf("%#x", f.Addr))
		case f.Module != "":
			words = append(words, fmt.Sprintf("%s+%d[%s]", f.Symbol, f.Offset, f.Module))
		default:
			words = append(words, fmt.Sprintf("%s+%d", f.Symbol, f.Offset))
		}
	}
	return strings.Join(words, " ")
}

func TestStackOfFunction(t *testing.T) {
	r := enricherOfStacks(t)
	const want = "nft_do_chain+0x5c [nf_tables] ip_rcv+0 nft_do_chain+92[nf_tables] ip_rcv_finish+52 0x1000"
	for name, stack := range map[string][]uint64{
		"the entry first":              {ipRcv, inChain, inFinish, nowhere},
		"after the entry first":        {ipRcv + 5, inChain, inFinish, nowhere},
		"the function is left out":     {inChain, inFinish, nowhere},
		"kprobe on ftrace":             {inKprobe, inFtrace, ipRcv + 5, inChain, inFinish, nowhere},
		"a program without a symbol":   {0x2000, inFtrace, ipRcv, inChain, inFinish, nowhere},
		"no function":                  {inFtrace, inChain, inFinish, nowhere},
		"the same again, from a cache": {ipRcv, inChain, inFinish, nowhere},
	} {
		if got := stackOf(r, event.Event{Kind: event.Function, Addr: ipRcv, Raw: event.Raw{Stack: stack}}); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestStackOfTracepoint(t *testing.T) {
	r := enricherOfStacks(t)
	const want = "kfree_skb_reason+0x45 kfree_skb_reason+69 ip_rcv+35"
	for name, stack := range map[string][]uint64{
		"all of it":                  {inProgram, inTraceRun, inIter, inKfree, inIPRcv},
		"before 5.10":                {inProgram, inTraceRun, inKfree, inIPRcv},
		"a program without a symbol": {0x2000, inTraceRun, inIter, inKfree, inIPRcv},
		"under another name":         {inDispatcher, inTraceRun, inIter, inKfree, inIPRcv},
		"skipped by the program":     {inKfree, inIPRcv},
	} {
		if got := stackOf(r, event.Event{Kind: event.Tracepoint, Raw: event.Raw{Stack: stack}}); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestProgramThatCalls checks that a BPF program that calls the function is not a frame of the probe.
func TestProgramThatCalls(t *testing.T) {
	r := enricherOfStacks(t)
	const want = "bpf_prog_0123456789abcdef_tracer+0x10 [bpf] ip_rcv+0 bpf_prog_0123456789abcdef_tracer+16[bpf] ip_rcv_finish+52"
	e := event.Event{Kind: event.Function, Addr: ipRcv, Raw: event.Raw{Stack: []uint64{ipRcv, inProgram, inFinish}}}
	if got := stackOf(r, e); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestStackOfProgram checks that the stack begins with the caller of the program, without our own program,
// the code that runs it, and the traced program, with or without symbols.
func TestStackOfProgram(t *testing.T) {
	r := enricherOfStacks(t)
	const want = "ip_rcv+0x23 ip_rcv+35 ip_rcv_finish+52"
	for _, stack := range [][]uint64{
		{inProgram, inProgram + 8, inProgram + 16, inIPRcv, inFinish},
		{0xffffffffc1000000, 0xffffffffc1000008, inProgram, inIPRcv, inFinish},
		// A program loaded after the symbols were read seems to be part of the one below it.
		{0xffffffffc0900410, 0xffffffffc0900500, inProgram, inIPRcv, inFinish},
		{inIPRcv, inFinish},
	} {
		if got := stackOf(r, event.Event{Kind: event.Program, Raw: event.Raw{ID: 7, Stack: stack}}); got != want {
			t.Errorf("%#x: %s, want %s", stack, got, want)
		}
	}
	if got := stackOf(r, event.Event{Kind: event.Verdict, Raw: event.Raw{ID: 7, Stack: []uint64{7, 0}}}); got != "" {
		t.Errorf("of a verdict: %s", got)
	}
}

func TestStackOfOneFrame(t *testing.T) {
	r := enricherOfStacks(t)
	for want, e := range map[string]event.Event{
		"":                       {Kind: event.Function, Addr: ipRcv},
		" ip_rcv+0":              {Kind: event.Function, Addr: ipRcv, Raw: event.Raw{Stack: []uint64{ipRcv}}},
		"ip_rcv+0x23 ip_rcv+35":  {Kind: event.Tracepoint, Raw: event.Raw{Stack: []uint64{inIPRcv}}},
		"0x1000 0x1000":          {Kind: event.Tracepoint, Raw: event.Raw{Stack: []uint64{nowhere}}},
		"0x1000 ip_rcv+0 0x1000": {Kind: event.Function, Addr: ipRcv, Raw: event.Raw{Stack: []uint64{ipRcv, nowhere}}},
	} {
		if got := stackOf(r, e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStackOfALateModule checks that its frames have names once the symbols were read again.
func TestStackOfALateModule(t *testing.T) {
	r := New(Options{})
	s, _ := renewable(t, kallsyms, loaded)
	*r.symbols = *s
	e := event.Event{Kind: event.Tracepoint, Time: 1, Raw: event.Raw{Stack: []uint64{inLate}}}
	if got, want := stackOf(r, e), fmt.Sprintf("%#x %#x", uint64(inLate), uint64(inLate)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for r.renew(2); r.symbols.reading; {
		r.renew(2)
	}
	if got, want := stackOf(r, e), "late_rcv+0x10 [late] late_rcv+16[late]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestKnownStacksAllocateNothing(t *testing.T) {
	r := enricherOfStacks(t)
	e := event.Event{Kind: event.Function, Addr: ipRcv, Raw: event.Raw{Stack: []uint64{inKprobe, inFtrace, ipRcv, inChain, inFinish}}}
	if n := testing.AllocsPerRun(100, func() { r.Enrich(&e) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkStack(b *testing.B) {
	list, err := kernel.ParseSymbols(strings.NewReader(stackSymbols))
	if err != nil {
		b.Fatal(err)
	}
	r := New(Options{Symbols: list, Tracepoints: []kernel.Tracepoint{{Name: "kfree_skb"}}})
	e := event.Event{Kind: event.Tracepoint, Raw: event.Raw{Stack: []uint64{inProgram, inTraceRun, inIter, inKfree, inIPRcv}}}
	for range 20 {
		e.Raw.Stack = append(e.Raw.Stack, inFinish)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Enrich(&e)
	}
}
