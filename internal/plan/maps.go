// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

var errNoMapFunctions = errors.New("--output-bpfmap: this kernel has no traceable function of BPF maps")

// mapTemplates are the program templates for operations on maps.
var mapTemplates = map[kernel.MapOperation]string{
	kernel.MapLookup:  bpf.MapLookupTemplate,
	kernel.MapElement: bpf.MapElementTemplate,
	kernel.MapUpdate:  bpf.MapUpdateTemplate,
	kernel.MapDelete:  bpf.MapDeleteTemplate,
}

// addMaps plans probes of the functions that BPF programs call for operations on maps. Look-ups are
// probed at their return, too.
func (p *Plan) addMaps(facts *kernel.Facts, wanted *funcFilter) error {
	if !p.Asked.Record.Maps {
		return nil
	}
	var lookups []kernel.Function
	for _, f := range facts.MapFunctions {
		if wanted.isExcluded(f.Name) {
			continue
		}
		template := mapTemplates[f.Operation]
		p.probe(f.Function, bpf.Program{Name: template, Template: template})
		if f.Operation == kernel.MapLookup || f.Operation == kernel.MapElement {
			lookups = append(lookups, f.Function)
		}
	}
	if len(facts.MapFunctions) == 0 {
		return errNoMapFunctions
	}
	if len(lookups) > 0 {
		p.addReturnProgram(bpf.MapReturnTemplate, lookups)
	}
	if facts.Symbols != nil {
		p.BPF.Config.CpuOffsets = facts.Symbols.CPUOffsets()
	}
	return nil
}
