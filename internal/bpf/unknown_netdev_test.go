// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/ktest"
)

// always is a filter that every packet matches.
var always = asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}

// counted returns the sums of the counters of all CPUs.
func (l skbLab) counted(t *testing.T) (sum Counters) {
	t.Helper()
	var all []Counters
	if err := l.Maps[MapCounts].Lookup(uint32(0), &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		sum.WithoutNetns += c.WithoutNetns
		sum.WithoutDevice += c.WithoutDevice
	}
	return sum
}

// TestADropWithoutANamespaceIsCountedOnce checks that a drop is counted once if the packet matches, the packet in
// its tunnel, or both.
func TestADropWithoutANamespaceIsCountedOnce(t *testing.T) {
	ktest.Root(t)
	const lastOfSource = 14 // of the network in IPv4: 10.0.N.1
	c := Config{Filter: true, Need: 64, Variants: true, NetnsInCount: 1}
	c.NetnsIn[0] = 1
	inner := ethernet(typeIPv4, ip(4, 8, protoUDP, udp(1, 2, nil)))
	frame := ethernet(typeIPv4, ip(4, 1, protoUDP, udp(9, labVXLAN, vxlan(inner))))
	for name, test := range map[string]struct {
		filter asm.Instructions
		want   uint64
	}{
		"both": {always, 1}, "the packet": {networkByte(lastOfSource, 1), 1},
		"the one in its tunnel": {networkByte(lastOfSource, 8), 1}, "neither": {networkByte(lastOfSource, 9), 0},
	} {
		l := newSkbLab(t, c, Bodies{Filter: test.filter})
		if s := l.look(t, ktest.Received(ktest.InMemory(frame), len(frame))); s != nil {
			t.Errorf("%s: shown: %s", name, s.text())
		}
		if got := l.counted(t); got.WithoutNetns != test.want || got.WithoutDevice != 0 {
			t.Errorf("%s: without a namespace %d, without a device %d, want %d and 0", name, got.WithoutNetns, got.WithoutDevice, test.want)
		}
	}
}
