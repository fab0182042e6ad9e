// SPDX-License-Identifier: Apache-2.0

package event

// Lineage says which packet an sk_buff carries, and where that came from.
type Lineage struct {
	// ID is the packet's number, the same from the first match to the free of its data;
	// 0 where packets are not followed.
	ID uint64 `cbor:"1,keyasint,omitzero"`
	// Part is the number of this sk_buff, or of what it has been turned into. Parts of all
	// packets are counted together.
	Part uint64 `cbor:"2,keyasint,omitzero"`
	// First is the packet's first part, 0 where that was not printed.
	First uint64 `cbor:"3,keyasint,omitzero"`
	// Parent is the Part that it came from; 0 for the first.
	Parent uint64 `cbor:"4,keyasint,omitzero"`
	Origin Origin `cbor:"5,keyasint,omitzero"`
}

// Origin is how an sk_buff got its packet.
type Origin uint8

// The order is that of enum origin in bpf/core/event.h.
const (
	// First: it matched.
	First Origin = iota
	// Clone shares the data, Copy has its own.
	Clone
	Copy
	// Segment and Fragment are what a larger packet was cut into.
	Segment
	Fragment
	// Merged: it was put together with another packet, whose number it has since.
	Merged
	// Inner is what was unpacked from a tunnel, Outer what was packed into one.
	Inner
	Outer
	// FromXDP was built around the data of an XDP frame.
	FromXDP
	// SameStack was made while the packet was handled.
	SameStack
)

var originNames = []string{"", "clone", "copy", "segment", "fragment", "merge", "inner", "outer", "xdp", "stack"}

// String is the origin as it is printed; empty for the first.
func (o Origin) String() string {
	if int(o) >= len(originNames) {
		return "unknown"
	}
	return originNames[o]
}
