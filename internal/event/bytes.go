// SPDX-License-Identifier: Apache-2.0

package event

import "bytes"

// Bytes has the first bytes of a packet, as they were at the event.
type Bytes struct {
	// Type is the Ethertype of a packet that begins with its network header; 0 for one that begins with an Ethernet
	// header.
	Type uint16 `cbor:"1,keyasint,omitzero"`
	// Len is the length of the packet from its first byte in Data, which may have fewer.
	Len  uint32 `cbor:"2,keyasint,omitzero"`
	Data []byte `cbor:"3,keyasint,omitzero"`
	// TagType and Tag are the Ethertype and the TCI of a VLAN tag that is not in Data; TagType is 0 without one.
	TagType uint16 `cbor:"4,keyasint,omitzero"`
	Tag     uint16 `cbor:"5,keyasint,omitzero"`
}

func (p *Bytes) clone() *Bytes {
	c := copied(p)
	if c != nil {
		c.Data = bytes.Clone(p.Data)
	}
	return c
}
