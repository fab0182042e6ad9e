// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// TestNotedEnd checks that a consumed packet is emitted as a drop only if a decision has noted its end: of this packet, with
// this memory and this beginning, less than 100 ms ago.
func TestNotedEnd(t *testing.T) {
	spec, _, err := ReadObject().Collection(Spec{
		Config: Config{Why: true, Decisions: 1}, RingSize: 1 << 16,
		Decisions: Decisions{Params: []DecisionParams{{Size: 16, Flags: SilentDropDecision}}},
		Programs:  []Program{{Name: "silent", Template: TracepointTemplate, Tracepoint: &TracepointParams{Number: 1, Location: -1, Reason: -1, Socket: -1, Consumption: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := ktest.NewSkbLab(t, spec, "silent")
	frame := ethernet(typeIPv4, ip(4, 1, protoUDP, make([]byte, 20)))
	const network = 14
	noted := tracerSilentDrop{Skb: l.Address, Head: l.Head(), Ident: uint64(binary.NativeEndian.Uint32(frame[network+2:])), Addr: 0xabc}
	for name, test := range map[string]struct {
		age    time.Duration
		change func(*tracerSilentDrop)
		want   bool
	}{
		"noted":          {0, func(*tracerSilentDrop) {}, true},
		"long ago":       {150 * time.Millisecond, func(*tracerSilentDrop) {}, false},
		"another packet": {0, func(d *tracerSilentDrop) { d.Skb++ }, false},
		"other memory":   {0, func(d *tracerSilentDrop) { d.Head++ }, false},
		"another length": {0, func(d *tracerSilentDrop) { d.Ident++ }, false},
	} {
		d := noted
		test.change(&d)
		noteEnd(t, l, d, test.age)
		if isEmitted := l.Look(t, ktest.Received(ktest.InMemory(frame), len(frame))) != nil; isEmitted != test.want {
			t.Errorf("%s: emitted %v", name, isEmitted)
		}
	}
}

// noteEnd notes the end of a packet on all CPUs, so long ago.
func noteEnd(t *testing.T, l *ktest.SkbLab, d tracerSilentDrop, age time.Duration) {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	d.Time = uint64(now.Nano() - age.Nanoseconds())
	all := make([]tracerSilentDrop, ebpf.MustPossibleCPU())
	for i := range all {
		all[i] = d
	}
	if err := l.Maps[MapSilentDrops].Put(uint32(0), all); err != nil {
		t.Fatal(err)
	}
}
