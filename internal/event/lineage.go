// SPDX-License-Identifier: Apache-2.0

package event

// Lineage identifies the packet in an sk_buff, and its origin.
type Lineage struct {
	// ID is the number of the packet, the same from the first match until its data is freed;
	// 0 if packets are not followed.
	ID uint64 `cbor:"1,keyasint,omitzero"`
	// Part is the number of this sk_buff. An sk_buff gets a new number when it becomes the inner or
	// outer packet of a tunnel, or is merged. Parts are numbered across all packets.
	Part uint64 `cbor:"2,keyasint,omitzero"`
	// First is the number of the packet's first part; 0 if that was not printed.
	First uint64 `cbor:"3,keyasint,omitzero"`
	// Parent is the part that this part was made from; 0 for the first.
	Parent uint64 `cbor:"4,keyasint,omitzero"`
	Origin Origin `cbor:"5,keyasint,omitzero"`
}

// Origin is how a part was created: enum origin in bpf/core/event.h.
type Origin uint8

var originNames = []string{"", "clone", "copy", "segment", "fragment", "merge", "inner", "outer", "xdp", "stack"}

// String returns the origin as it is printed; empty for First.
func (o Origin) String() string {
	if int(o) >= len(originNames) {
		return "unknown"
	}
	return originNames[o]
}
