// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"errors"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"tracer/internal/ktest"
)

// UDP ports of tunnels in the lab.
const (
	labVXLAN  = 4789
	labGeneve = 6081
)

// skbLab has the program of a tracepoint look at an sk_buff that the tests make.
type skbLab struct {
	*ktest.Skb
	program *ebpf.Program
	events  *ringbuf.Reader
}

// newSkbLab loads the program with these settings and bodies.
func newSkbLab(t testing.TB, c Config, bodies Bodies) *skbLab {
	t.Helper()
	l := &skbLab{Skb: ktest.NewSkb(t)}
	c.Meta, c.Tuple, c.Tunnel = true, true, true
	c.VxlanPorts[0], c.GenevePorts[0] = labVXLAN, labGeneve
	spec, _, err := ReadObject().Collection(Spec{Config: c, Bodies: bodies, RingSize: 1 << 16, Programs: []Program{
		{Name: "skb", Template: TracepointTemplate, Facts: &Facts{Number: 1, Location: -1, Reason: -1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(collection.Close)
	if err := collection.Variables["running"].Set(uint32(1)); err != nil {
		t.Fatal(err)
	}
	l.program = collection.Programs["skb"]
	if l.events, err = ringbuf.NewReader(collection.Maps[eventsMap]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.events.Close() })
	l.events.SetDeadline(time.Unix(1, 0))
	return l
}

// bothWays runs a test with members read by a helper and, where the kernel has that, without.
func bothWays(t *testing.T, test func(*testing.T, Config, Bodies)) {
	t.Run("by a helper", func(t *testing.T) { test(t, Config{}, Bodies{}) })
	t.Run("directly", func(t *testing.T) { test(t, Config{Direct: true}, Bodies{Cast: ktest.Direct(t).Call()}) })
}

// seen is what an event tells of a packet.
type seen struct {
	Tuple  Tuple
	Tunnel Tunnel
}

// look returns what the program tells of the sk_buff; nil where the filter does not match.
func (l *skbLab) look(t testing.TB, state ktest.SkbState) *seen {
	t.Helper()
	l.Put(t, state)
	l.Run(t, l.program)
	record, err := l.events.Read()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	raw := record.RawSample[unsafe.Sizeof(Core{})+unsafe.Sizeof(Meta{}):]
	return &seen{*(*Tuple)(unsafe.Pointer(&raw[0])), *(*Tunnel)(unsafe.Pointer(&raw[unsafe.Sizeof(Tuple{})]))}
}
