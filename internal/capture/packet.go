// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"

	"tracer/internal/event"
)

// packet is a packet as it is in the file.
type packet struct {
	link uint16
	// front replaces the first cut bytes of data: a made-up Ethernet header, or the addresses of the packet's own and
	// a VLAN tag that the kernel kept outside of the packet.
	front []byte
	data  []byte
	// len is the length of the packet before it was truncated.
	len uint32
	// bits are outerTag and madeUp.
	bits uint64
}

// maker makes the packets of events, in memory that is reused.
type maker struct {
	front [ethernetSize + tagSize]byte
	// snaplen is the number of bytes to keep; 0 means the headers.
	snaplen int
}

// packetOf returns the packet of an event. An event without bytes has an empty one of the length in its metadata.
func (m *maker) packetOf(e *event.Event) packet {
	b := e.Bytes
	if b == nil || len(b.Data) == 0 {
		return packet{link: linkRaw, len: e.Meta.Len}
	}
	size := m.snaplen
	if size == 0 {
		size = headers(b.Data, b.Type)
	}
	p := packet{link: linkEthernet, data: b.Data[:min(size, len(b.Data))], len: b.Len}
	switch {
	case b.Type == 0 && b.TagType != 0 && len(p.data) >= ethernetSize:
		copy(m.front[:12], p.data)
		p.front, p.data, p.len, p.bits = m.tag(b, 12), p.data[12:], p.len+tagSize, outerTag
	case b.Type == 0:
	case b.TagType == 0 && isIP(b):
		p.link = linkRaw
	default:
		clear(m.front[:12])
		p.front = m.tag(b, 12)
		p.front = binary.BigEndian.AppendUint16(p.front, b.Type)
		p.len += uint32(len(p.front))
		p.bits = madeUp
		if b.TagType != 0 {
			p.bits |= outerTag
		}
	}
	return p
}

// tag appends the VLAN tag, if there is one, to the first n bytes of front.
func (m *maker) tag(b *event.Bytes, n int) []byte {
	front := m.front[:n]
	if b.TagType != 0 {
		front = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(front, b.TagType), b.Tag)
	}
	return front
}

// isIP reports whether the packet can have the link type of raw IP, whose readers look at the version.
func isIP(b *event.Bytes) bool {
	version := b.Data[0] >> 4
	return b.Type == typeIPv4 && version == 4 || b.Type == typeIPv6 && version == 6
}

// bytesOf returns the section of an event for a packet that was read, without what the writer added to it; nil for an
// empty one.
func bytesOf(link uint16, data []byte, length uint32, bits uint64) (*event.Bytes, error) {
	if len(data) == 0 {
		return nil, nil
	}
	b := &event.Bytes{Data: data, Len: length}
	if link == linkRaw {
		b.Type = typeIPv4
		if data[0]>>4 == 6 {
			b.Type = typeIPv6
		}
	}
	if bits == 0 {
		return b, nil
	}
	added := 0
	if bits&outerTag != 0 {
		added += tagSize
	}
	if bits&madeUp != 0 {
		added += ethernetSize
	}
	if link != linkEthernet || len(data) < max(added, ethernetSize+tagSize*int(bits/outerTag&1)) || length < uint32(added) {
		return nil, errEvent
	}
	if bits&outerTag != 0 {
		b.TagType, b.Tag = binary.BigEndian.Uint16(data[12:]), binary.BigEndian.Uint16(data[14:])
	}
	if bits&madeUp != 0 {
		b.Type = binary.BigEndian.Uint16(data[added-2:])
		b.Data = data[added:]
	} else { // the addresses move up to the Ethertype
		copy(data[added:12+added], data[:12])
		b.Data = data[added:]
	}
	b.Len -= uint32(added)
	return b, nil
}
