// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/event"
	"tracer/internal/ktest"
)

var (
	mutated = flag.Int("frames", 4000, "mutated frames to compare with tshark")
	seed    = flag.Uint64("seed", 1, "seed of their mutations")
)

// TestTsharkAgrees checks that protocols, addresses and ports are those that tshark finds. An event may leave out
// some of them.
func TestTsharkAgrees(t *testing.T) {
	ktest.Root(t)
	frames := append(corpus(t), mutations(t, *seed, *mutated)...)
	data := make([][]byte, len(frames))
	for i, f := range frames {
		data[i] = f.data
	}
	layers := dissect(t, data)
	t.Run("by helper", func(t *testing.T) { agree(t, newLab(t, asm.Instruction{}), frames, layers) })
	t.Run("directly", func(t *testing.T) { agree(t, newLab(t, ktest.Direct(t).Call()), frames, layers) })
}

// tally counts the compared frames by their contents.
type tally map[string]int

func (n tally) add(e *event.Event, c *comparison) {
	n["frames"]++
	for name, is := range map[string]bool{
		"with addresses": e.Tuple.Source.IsValid(), "with ports": e.Tuple.Ports, "with ICMP": e.Tuple.ICMP.Recorded,
		"with tags": e.Tuple.Tags > 0, "with LLC": e.Tuple.Network == event.LLC, "in tunnels": e.Tunnel.Kind != event.NoTunnel,
	} {
		if is {
			n[name]++
		}
	}
	for _, what := range c.less {
		n["less: "+what]++
	}
	for _, what := range c.more {
		n["more: "+what]++
	}
}

func agree(t *testing.T, l lab, frames []frame, layers []dissected) {
	n := tally{}
	for i, f := range frames {
		e := l.look(t, f.data)
		c := compare(e, f.data, layers[i])
		n.add(e, c)
		if len(c.complaints) > 0 {
			t.Errorf("%s: % x\n\t%s\n\t%+v", f.name, f.data, strings.Join(c.complaints, "\n\t"), layers[i])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		t.Logf("%5d %s", n[name], name)
	}
	if n["with ports"]*5 < n["frames"] || n["in tunnels"]*20 < n["frames"] {
		t.Error("too few frames have ports, or are in tunnels")
	}
}
