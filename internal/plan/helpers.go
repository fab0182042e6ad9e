// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

const helpersFlag = "--filter-track-bpf-helpers"

// calledByUs is the reason for leaving out a function that our own programs call. The kernel would
// not run the nested program, but the probe would still cost as much, for no event.
const calledByUs = "tracer's own programs call it"

// addHelpers plans probes of the functions that loaded BPF programs call, traced while they run for a
// packet. The functions of maps have a program of their own, which ignores tracer's own maps.
func (p *Plan) addHelpers(facts *kernel.Facts, wanted *funcFilter) error {
	if !p.Asked.Helpers {
		return nil
	}
	if err := checkCalled(facts.Called); err != nil {
		return err
	}
	own, err := bpf.SelfHelpers()
	if err != nil {
		return err
	}
	before := len(p.Functions)
	for _, f := range facts.Called.Functions {
		switch {
		case wanted.isExcluded(f.Name) || p.isPlanned(f):
		case own[f.Name]:
			p.LeftOut = append(p.LeftOut, kernel.Skipped{Name: f.Name, Module: f.Module, Reason: calledByUs})
		default:
			p.probe(f, helperProgram(f, facts))
		}
	}
	if len(p.Functions) == before {
		return noHelpers(facts.Called)
	}
	return nil
}

// checkCalled returns an error if it is not known which functions BPF programs call.
func checkCalled(called *kernel.Called) error {
	switch {
	case called == nil:
		return fmt.Errorf("%s: %w", helpersFlag, kernel.ErrNotAsked)
	case called.Unknown != nil:
		return fmt.Errorf("%s: can't find the functions that BPF programs call: %w", helpersFlag, called.Unknown)
	case called.Programs == 0:
		return usageError{
			errors.New(helpersFlag + ": no BPF program that handles packets is loaded"),
			"load the program before tracer starts: tracer looks up what programs call once, at the start",
		}
	}
	return nil
}

func noHelpers(called *kernel.Called) error {
	e := usageError{
		fmt.Errorf("%s: the BPF programs that handle packets (%d) call no function that can be traced", helpersFlag, called.Programs),
		"--debug lists the functions that can't be traced",
	}
	if called.Hidden > 0 {
		e.hint = fmt.Sprintf("the kernel hides the code of %d of them", called.Hidden)
	}
	return e
}

// helperProgram returns the program for a function that takes no skb.
func helperProgram(f kernel.Function, facts *kernel.Facts) bpf.Program {
	template := bpf.NoSkbTemplate
	isMaps := func(m kernel.MapFunction) bool { return m.Addr == f.Addr }
	if slices.Contains(mapHelpers, f.Name) || slices.ContainsFunc(facts.MapFunctions, isMaps) {
		template = bpf.NoSkbMapTemplate
	}
	return bpf.Program{Name: template, Template: template}
}

// mapHelpers are the helpers that call the functions of a map. They run where the verifier could not
// replace the helper call by a direct call of the map's function.
var mapHelpers = []string{"bpf_map_lookup_elem", "bpf_map_lookup_percpu_elem", "bpf_map_update_elem", "bpf_map_delete_elem"}

// isPlanned reports whether a probe of the function is planned already.
func (p *Plan) isPlanned(f kernel.Function) bool {
	return slices.ContainsFunc(p.Functions, func(g kernel.Function) bool { return g.Addr == f.Addr })
}
