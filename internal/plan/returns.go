// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"os"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// returnWays is how each backend is called when functions return.
var returnWays = map[kernel.Backend]kernel.ReturnWay{
	kernel.KprobeMulti: kernel.KretprobeMulti,
	kernel.Kprobe:      kernel.Kretprobe,
}

// checkFunctions says whether the backend sees functions, where what is asked for
// needs that.
func (p *Plan) checkFunctions() error {
	what := ""
	switch {
	case p.Asked.Record.Return:
		what = "returns of functions can't be traced"
	case len(p.Asked.Others) > 0:
		what = "functions that take no skb can't be traced"
	}
	switch {
	case what == "" || p.Backend != kernel.TracepointBackend:
		return nil
	case p.Asked.Drop.Only:
		return usageError{error: errors.New(what + " where only drops are asked for")}
	}
	hint := strings.Join(p.Reasons(), "; ")
	return usageError{errors.New(what + " with the tracepoint backend, which sees no functions"), hint}
}

// addReturns plans to be called when the functions return.
func (p *Plan) addReturns() {
	if !p.Asked.Record.Return || len(p.Functions) == 0 {
		return
	}
	p.Returns = returnWays[p.Backend]
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
		Name:     bpf.ReturnTemplate,
		Template: bpf.ReturnTemplate,
		Multi:    p.Returns == kernel.KretprobeMulti,
	})
}

// leastStack is the size in bytes of a kernel's stack, which is at least a page.
const leastStack = 16 << 10

// keepCalls configures what it takes to know which calls are under way.
func (p *Plan) keepCalls(facts *kernel.Facts) {
	c := &p.BPF.Config
	c.Returns, c.Others = p.Returns != "", p.servesOthers()
	if !c.Returns && !c.Others {
		return
	}
	c.StackSize = uint32(max(leastStack, os.Getpagesize()))
	if facts.Symbols != nil {
		copy(c.Trampolines[:], facts.Symbols.Trampolines())
	}
}
