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

var originNames = []string{"", "clone", "copy", "segment", "fragment", "merge", "inner", "outer", "xdp", "stack"}

// String is the origin as it is printed; empty for the first.
func (o Origin) String() string {
	if int(o) >= len(originNames) {
		return "unknown"
	}
	return originNames[o]
}
