// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

func TestOnlyNeededCapabilitiesAreNoted(t *testing.T) {
	payload, err := filter.Compile("udp[100] == 1")
	if err != nil {
		t.Fatal(err)
	}
	hidden := errors.New("hidden")
	all := ^kernel.CapabilitySet(0)
	without := func(numbers ...uint) kernel.CapabilitySet { return all &^ kernel.SetOf(numbers...) }
	functions := &plan.Plan{Functions: make([]kernel.Function, 1)}
	for name, tc := range map[string]struct {
		set   kernel.CapabilitySet
		root  bool
		facts kernel.Facts
		plan  *plan.Plan
		want  string
	}{
		"nothing is lacking":         {all, false, kernel.Facts{ListReadable: hidden, PagesUnknown: hidden}, functions, ""},
		"addresses are visible":      {without(unix.CAP_SYSLOG), false, kernel.Facts{Symbols: &kernel.Symbols{}}, functions, ""},
		"addresses are hidden":       {without(unix.CAP_SYSLOG), false, kernel.Facts{}, functions, "lacking CAP_SYSLOG: only tracepoints are traced"},
		"the list can't be read":     {without(unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE), false, kernel.Facts{ListReadable: hidden}, functions, "lacking CAP_DAC_READ_SEARCH: tracer does not know beforehand"},
		"root needs no capability":   {without(unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE), true, kernel.Facts{ListReadable: hidden}, functions, ""},
		"tracepoints need no list":   {without(unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE), false, kernel.Facts{ListReadable: hidden}, &plan.Plan{}, ""},
		"the filter reads headers":   {without(unix.CAP_SYS_RAWIO), true, kernel.Facts{PagesUnknown: hidden}, functions, ""},
		"the filter reads fragments": {without(unix.CAP_SYS_RAWIO), true, kernel.Facts{PagesUnknown: hidden}, &plan.Plan{Asked: plan.Options{Filter: payload}}, "lacking CAP_SYS_RAWIO: filters do not see"},
		"not needed in this run":     {without(unix.CAP_SYS_RESOURCE, unix.CAP_SYS_PTRACE), false, kernel.Facts{}, functions, ""},
		"CAP_DAC_OVERRIDE is enough": {without(unix.CAP_DAC_READ_SEARCH), false, kernel.Facts{ListReadable: hidden}, functions, ""},
	} {
		notes := lackingNotes(tc.set, tc.root, &tc.facts, tc.plan)
		if got := strings.Join(notes, "\n"); !strings.HasPrefix(got, tc.want) || len(notes) > 1 || (got == "") != (tc.want == "") {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestFewHiddenProcessesAreNamed(t *testing.T) {
	if got, want := processList([]uint32{1, 22}), "1 22"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := processList([]uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), "1 2 3 4 5 6 7 8 and 2 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
