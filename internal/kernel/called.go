// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// callBase is the symbol to which call instructions of BPF programs are relative.
const callBase = "__bpf_call_base"

var errNoCallBase = errors.New("the kernel's symbols do not include " + callBase)

// Called has the kernel functions that loaded BPF programs call, if these handle packets.
type Called struct {
	// Programs is the number of such programs, and Hidden the number of those whose code the kernel does not
	// show.
	Programs, Hidden int
	// Functions are the traceable ones, sorted by address. Their SkbArg is 0.
	Functions []Function
	// Unknown is why the functions are not known; nil if they are.
	Unknown error
}

// fill sets the fields from the calls, and returns the called functions that can't be traced.
func (c *Called) fill(calls *ProgramCalls, sel *selector, types *types) (skipped []Skipped) {
	if c.Unknown != nil {
		return nil
	}
	c.Programs, c.Hidden = calls.Programs, calls.Hidden
	c.Functions, skipped, c.Unknown = sel.called(calls, types)
	return skipped
}

// called returns the functions that BPF programs call: the traceable ones, and the others with a reason.
func (sel *selector) called(calls *ProgramCalls, types *types) (functions []Function, skipped []Skipped, err error) {
	base := sel.symbols.Addresses(callBase, "")
	if len(base) != 1 {
		return nil, nil, errNoCallBase
	}
	var ranges []FuncRange
	for call := range calls.Calls {
		sym, ok := sel.symbols.callee(call, base[0], types)
		if !ok {
			if call.Kfunc {
				skipped = append(skipped, Skipped{Name: fmt.Sprintf("kfunc %d", call.Imm), Reason: "the kernel does not say which function this is"})
			}
			continue
		}
		if p := sel.funcRange(sym, sel.symbols.end(sym.addr)); p.Refused != "" {
			skipped = append(skipped, Skipped{p.Name, p.Module, p.Refused})
		} else {
			ranges = append(ranges, p)
		}
	}
	return types.helpers(ranges), skipped, nil
}

// helpers returns a [Function] for each range, which is the code of a helper or kfunc.
func (t *types) helpers(ranges []FuncRange) []Function {
	named := map[string]bool{}
	for _, p := range ranges {
		named[p.Name] = true
	}
	results := t.resultsOf(named)
	functions := make([]Function, 0, len(ranges))
	for _, p := range ranges {
		functions = append(functions, Function{Name: p.Name, Module: p.Module, Addr: p.Addr, Result: helperResult(p.Name, results)})
	}
	return sortFunctions(functions)
}

// callee returns the function that a program calls. A helper is called by its offset from base. A kfunc is
// called by its offset or, on architectures where it may be too far away for that, by its BTF id. An offset is
// valid only if a function begins there. If offset and id are both valid, the id counts if its name begins with
// bpf_.
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

// kfunc returns the name of the vmlinux function whose BTF id is the immediate of the call; empty if there is
// none.
func (t *types) kfunc(call ProgramCall) string {
	if call.Module || call.Imm < 0 {
		return ""
	}
	if r := t.at(uint32(call.Imm)); r.kind() == kindFunc {
		return string(t.name(r.name))
	}
	return ""
}

// beginningAt returns the function that begins at addr.
func (s *Symbols) beginningAt(addr uint64) (symbol, bool) {
	i := s.find(addr)
	if i < 0 || s.list[i].addr != addr || s.list[i].length == 0 {
		return symbol{}, false
	}
	return s.list[i], true
}

// end returns the end of the function that begins at addr.
func (s *Symbols) end(addr uint64) uint64 { return s.after(s.find(addr)) }

// pointerHelpers matches helpers that return addresses, although BTF declares a number; see helperResult.
var pointerHelpers = regexp.MustCompile(`_lookup(_percpu)?_elem$|^bpf_(xdp_|tc_|sock_addr_)*skc?_(lookup|fullsock|to)_|^bpf_(tcp_sock|sk_fullsock|get_listener_sock|sk_storage_get|skc_to_.*)$`)

// helperResult returns what a helper returns. The kernel's macro (BPF_CALL_n) declares all of them as u64;
// except for pointers, the values are signed numbers.
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

// resultsOf returns the results of the named functions that BTF describes.
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
