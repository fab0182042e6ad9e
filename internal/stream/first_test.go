// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// TestFirstTuple checks that the first tuple is decoded after the other parts, and that the next event has no
// data of it.
func TestFirstTuple(t *testing.T) {
	tuple := bpf.Tuple{Network: uint8(event.IPv4), Protocol: 17, Has: bpf.HasPorts, SourcePort: 4000, DestPort: 53}
	copy(tuple.Source[:], []byte{10, 1, 0, 2})
	copy(tuple.Dest[:], []byte{10, 96, 0, 10})
	core := bpf.Core{Kind: bpf.KindTracepoint, Parts: bpf.PartDrop | bpf.PartFirst}
	want := event.FirstTuple{By: event.FirstConnection, Tuple: event.Tuple{
		Network: event.IPv4, Protocol: 17, Ports: true, SourcePort: 4000, DestPort: 53,
		Source: netip.MustParseAddr("10.1.0.2"), Dest: netip.MustParseAddr("10.96.0.10"),
	}}
	d := NewDecoder(plain)
	for _, c := range []struct {
		by   event.FirstBy
		want event.FirstTuple
	}{{event.FirstConnection, want}, {event.FirstUnknown, event.FirstTuple{}}} {
		first := bpf.First{By: uint8(c.by), Tuple: tuple}
		e, err := d.Decode(append(record(core, nil, &bpf.Tuple{}), bytesOf(&first)...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, *e.First, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("by %v (-want +got):\n%s", c.by, diff)
		}
	}
}

// TestFirstByMatchesC checks that the enums in C and Go have the same numbers.
func TestFirstByMatchesC(t *testing.T) {
	for by, want := range map[event.FirstBy]uint8{
		event.FirstUnknown: bpf.FirstUnknown, event.FirstFollowed: bpf.FirstFollowed, event.FirstConnection: bpf.FirstConnection,
		event.FirstTranslated: bpf.FirstTranslated, event.FirstInner: bpf.FirstInner, event.FirstQuoted: bpf.FirstQuoted,
	} {
		if uint8(by) != want {
			t.Errorf("%q is %d, but %d in C", by, by, want)
		}
	}
}
