// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"
	"unsafe"

	"tracer/internal/ktest"
)

// UDP ports of tunnels in the lab.
const (
	labVXLAN  = 4789
	labGeneve = 6081
)

// skbLab runs the program of a tracepoint on an sk_buff that the tests make.
type skbLab struct{ *ktest.SkbLab }

// newSkbLab loads the program with these settings and bodies.
func newSkbLab(t testing.TB, c Config, bodies Bodies) skbLab {
	t.Helper()
	c.Meta, c.Tuple, c.Tunnel = true, true, true
	c.VxlanPorts[0], c.GenevePorts[0] = labVXLAN, labGeneve
	spec, _, err := ReadObject().Collection(Spec{Config: c, Bodies: bodies, RingSize: 1 << 16, Programs: []Program{
		{Name: "skb", Template: TracepointTemplate, Tracepoint: &TracepointParams{Number: 1, Location: -1, Reason: -1, Drop: c.Variants}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return skbLab{ktest.NewSkbLab(t, spec, "skb")}
}

// bothWays runs a test with programs that read memory with a helper and, if the kernel supports it, directly.
func bothWays(t *testing.T, test func(*testing.T, Config, Bodies)) {
	t.Run("by a helper", func(t *testing.T) { test(t, Config{}, Bodies{}) })
	t.Run("directly", func(t *testing.T) { test(t, Config{Direct: true}, Bodies{Cast: ktest.Direct(t).Call()}) })
}

// seen are the parts of an event that describe the packet.
type seen struct {
	Tuple  Tuple
	Tunnel Tunnel
}

// look runs the program on the sk_buff. It returns nil if the filter does not match.
func (l skbLab) look(t testing.TB, state ktest.SkbState) *seen {
	t.Helper()
	record := l.Look(t, state)
	if record == nil {
		return nil
	}
	raw := record[unsafe.Sizeof(Core{})+unsafe.Sizeof(Meta{}):]
	return &seen{*(*Tuple)(unsafe.Pointer(&raw[0])), *(*Tunnel)(unsafe.Pointer(&raw[unsafe.Sizeof(Tuple{})]))}
}
