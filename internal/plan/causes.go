// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"slices"

	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/kernel"
)

// Families returns the names of the families of causes of drops.
func Families() []string { return explain.Families() }

// CauseCounts says how many causes of drops a machine can tell.
type CauseCounts struct {
	Told, All int
	// By is the backend whose probes keep the values of calls before a drop.
	By kernel.Backend
	// Lacking are the numbers of the causes that can't be told, by what is missing.
	Lacking [explain.Lacks]int
}

// ModuleState reports whether a module is loaded or built in, and whether its types are known.
type ModuleState func(name string) (loaded, described bool)

// CountCauses counts the causes of drops that a machine can tell with the best backend, from the plan of --drop.
func CountCauses(facts *kernel.Facts, module ModuleState) (CauseCounts, error) {
	families := Families()
	p, err := New(Options{Drop: Drop{Only: true}, Why: families, Types: expr.NewKernel(facts.BTF, WhyModules(families))}, facts)
	if err != nil {
		return CauseCounts{}, err
	}
	lacks, err := p.Why.Tell(machineOf(p, facts, module))
	if err != nil {
		return CauseCounts{}, err
	}
	counts := CauseCounts{All: len(lacks), By: p.ProbesBy()}
	for _, lack := range lacks {
		counts.Lacking[lack]++
	}
	counts.Told, counts.Lacking[explain.NoLack] = counts.Lacking[explain.NoLack], 0
	return counts, nil
}

func machineOf(p *Plan, facts *kernel.Facts, module ModuleState) *explain.Machine {
	code := facts.Symbols.AllCode(p.Why.Functions())
	m := &explain.Machine{
		HasFunction:     func(name string) bool { return len(code[name]) > 0 },
		HasVariable:     func(name string) bool { return facts.Symbols.Variable(name) != 0 },
		IsLoaded:        func(name string) bool { loaded, _ := module(name); return loaded },
		IsDescribed:     func(name string) bool { _, described := module(name); return described },
		ProbesFunctions: p.ProbesFunctions(),
		TracesPrograms:  facts.Untraceable == nil,
	}
	m.Reasons = ShortReasons(slices.Sorted(maps.Values(facts.Reasons)))
	return m
}
