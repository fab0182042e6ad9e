// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// callBase is the function whose address the calls of BPF programs are counted from.
const callBase = "__bpf_call_base"

var errNoCallBase = errors.New("the kernel's symbols do not include " + callBase)

// Called is what the loaded BPF programs call that handle packets.
type Called struct {
	// Programs is how many programs there are, and Hidden of how many of them the kernel
	// does not show the code.
	Programs, Hidden int
	// Functions can be traced; sorted by address, with 0 for SkbArg.
	Functions []Function
	// Unknown says why nothing is known of them.
	Unknown error
}

// fill returns the functions that can't be traced.
func (c *Called) fill(calls *ProgramCalls, j *selector, types *types) (skipped []Skipped) {
	if c.Unknown != nil {
		return nil
	}
	c.Programs, c.Hidden = calls.Programs, calls.Hidden
	c.Functions, skipped, c.Unknown = j.called(calls, types)
	return skipped
}

// called finds the functions that BPF programs call: those that can be traced, and why
// others can't.
func (j *selector) called(calls *ProgramCalls, types *types) (functions []Function, skipped []Skipped, err error) {
	base := j.symbols.Addresses(callBase, "")
	if len(base) != 1 {
		return nil, nil, errNoCallBase
	}
	var places []FuncRange
	for call := range calls.Calls {
		sym, ok := j.symbols.callee(call, base[0], types)
		if !ok {
			if call.Kfunc {
				skipped = append(skipped, Skipped{Name: fmt.Sprintf("kfunc %d", call.Imm), Reason: "the kernel does not say which function this is"})
			}
			continue
		}
		if p := j.funcRange(sym, j.symbols.end(sym.addr)); p.Refused != "" {
			skipped = append(skipped, Skipped{p.Name, p.Module, p.Refused})
		} else {
			places = append(places, p)
		}
	}
	return types.helpers(places), skipped, nil
}

// helpers are the functions at those places, which BPF programs call.
func (t *types) helpers(places []FuncRange) []Function {
	named := map[string]bool{}
	for _, p := range places {
		named[p.Name] = true
	}
	results := t.resultsOf(named)
	functions := make([]Function, 0, len(places))
	for _, p := range places {
		functions = append(functions, Function{Name: p.Name, Module: p.Module, Addr: p.Addr, Result: helperResult(p.Name, results)})
	}
	return sortFunctions(functions)
}

// callee is the function that a program calls. A kfunc is called by address, or where
// the architecture calls it from far away by the number of its type. An address can
// only be where a function begins.
func (s *Symbols) callee(call ProgramCall, base uint64, types *types) (symbol, bool) {
	sym, ok := s.beginningAt(base + uint64(int64(call.Imm)))
	if !call.Kfunc {
		return sym, ok
	}
	name := types.kfunc(call)
	if name == "" || ok && !strings.HasPrefix(name, "bpf_") {
		return sym, ok
	}
	if found := s.Addresses(name, ""); len(found) == 1 {
		return s.beginningAt(found[0])
	}
	return sym, ok
}

// kfunc is the name of the kernel's own function whose type has the call's number.
func (t *types) kfunc(call ProgramCall) string {
	if call.Module || call.Imm < 0 {
		return ""
	}
	if r := t.at(uint32(call.Imm)); r.kind() == kindFunc {
		return string(t.name(r.name))
	}
	return ""
}

// beginningAt is the function that begins at an address.
func (s *Symbols) beginningAt(addr uint64) (symbol, bool) {
	i := s.find(addr)
	if i < 0 || s.list[i].addr != addr || s.list[i].length == 0 {
		return symbol{}, false
	}
	return s.list[i], true
}

// end is where what begins at an address ends.
func (s *Symbols) end(addr uint64) uint64 { return s.after(s.find(addr)) }

// pointerHelpers return addresses, in spite of the number that their macro makes of them.
var pointerHelpers = regexp.MustCompile(`_lookup(_percpu)?_elem$|^bpf_(xdp_|tc_|sock_addr_)*skc?_(lookup|fullsock|to)_|^bpf_(tcp_sock|sk_fullsock|get_listener_sock|sk_storage_get|skc_to_.*)$`)

// helperResult is what a helper returns. The kernel's macro (BPF_CALL_n) has all of them
// return a u64, whose meaning is a number with a sign.
func helperResult(name string, results map[string]Result) Result {
	known, ok := results[name]
	switch {
	case ok && (known.Class != Unsigned || known.Size != 8):
		return known
	case pointerHelpers.MatchString(name):
		return Result{Class: Pointer, Size: 8}
	}
	return Result{Class: Signed, Size: 8}
}

// resultsOf are those of the named functions, as far as they are described.
func (t *types) resultsOf(named map[string]bool) map[string]Result {
	found := map[string]Result{}
	results := newResults(t)
	t.functions(func(name uint32, proto record) {
		if n := string(t.name(name)); named[n] {
			found[n] = results.of(proto)
		}
	})
	return found
}
