// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/result"
)

// programs name BPF programs by id. Programs are loaded and unloaded while events flow.
type programs struct {
	find  func(id uint32) *kernel.Program
	known map[uint64]namedProgram
}

type namedProgram struct {
	bpf     *event.BPF
	verdict result.Meaning
}

func newPrograms(find func(id uint32) *kernel.Program) programs {
	if find == nil {
		find = func(uint32) *kernel.Program { return nil }
	}
	return programs{find, map[uint64]namedProgram{}}
}

func (p *programs) name(e *event.Event) {
	named := p.get(e.Raw.ID)
	e.BPF, e.Names.Func = named.bpf, named.bpf.Name
	if e.Kind == event.Verdict {
		e.Names.Result = named.verdict.Read(e.Return.Value)
	}
}

// get caches what it finds: events of a program can arrive after it was unloaded.
func (p *programs) get(id uint64) namedProgram {
	if named, ok := p.known[id]; ok {
		return named
	}
	named := namedProgram{bpf: &event.BPF{ID: uint32(id)}}
	found := p.find(uint32(id))
	if found == nil {
		return named
	}
	named = namedProgram{
		bpf: &event.BPF{
			ID: found.ID, Name: found.Called(), Tag: found.Tag,
			Kind: found.Kind.Name, Type: found.Type, Addr: found.Addr,
		},
		verdict: result.OfProgram(found.Kind),
	}
	clearFull(p.known, cacheSize)
	p.known[id] = named
	return named
}
