// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// A nil program matches everything and tests nothing.

// AsksTransport reports whether the expression tests the transport header of IPv4, which only the
// first fragment of a packet has: libpcap then loads the length of the IPv4 header (BPF_MSH). An
// expression on IPv6 alone is not recognized: there the offset is fixed.
func (p *Program) AsksTransport() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		_, ok := in.(bpf.LoadMemShift)
		return ok
	})
}

// addressPlaces are the offsets of IPv4 and IPv6 addresses in an Ethernet frame, in words of 4 bytes:
// source and destination are at 26 and 30 in IPv4, from 22 and 38 on in IPv6.
var addressPlaces = []uint32{22, 26, 30, 34, 38, 42, 46, 50}

// AsksAddresses reports whether the expression tests IP addresses.
func (p *Program) AsksAddresses() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		load, ok := in.(bpf.LoadAbsolute)
		return ok && load.Size == 4 && slices.Contains(addressPlaces, load.Off)
	})
}

// AsksPorts says whether the expression asks for ports: two bytes at the start of the transport header, behind an IPv4
// header of any length or an IPv6 header without extensions.
func (p *Program) AsksPorts() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		switch load := in.(type) {
		case bpf.LoadIndirect:
			return load.Size == 2 && (load.Off == 14 || load.Off == 16)
		case bpf.LoadAbsolute:
			return load.Size == 2 && (load.Off == 54 || load.Off == 56)
		}
		return false
	})
}
