// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// The following methods may be called on a nil program, which matches everything and tests nothing.

// ipv6Transport is the offset of the transport header in an Ethernet frame of IPv6 without extension
// headers, the only place where libpcap looks for ports.
const ipv6Transport = 14 + 40

// AsksTransport reports whether the expression tests the transport header, which only the first
// fragment of a packet has. For IPv4, libpcap loads the header length (BPF_MSH). For IPv6, the offset
// is fixed, and only tests of ports are recognized, because a fragment header may be at that offset.
func (p *Program) AsksTransport() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		switch load := in.(type) {
		case bpf.LoadMemShift:
			return true
		case bpf.LoadAbsolute:
			return load.Size == 2 && load.Off >= ipv6Transport
		}
		return false
	})
}

// addressOffsets are the offsets of all 4-byte words of IPv4 and IPv6 addresses in an Ethernet frame.
// Source and destination are at 26 and 30 in IPv4, and begin at 22 and 38 in IPv6.
var addressOffsets = []uint32{22, 26, 30, 34, 38, 42, 46, 50}

// AsksAddresses reports whether the expression tests IP addresses.
func (p *Program) AsksAddresses() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		load, ok := in.(bpf.LoadAbsolute)
		return ok && load.Size == 4 && slices.Contains(addressOffsets, load.Off)
	})
}

// AsksPorts reports whether the expression tests ports: the two 16-bit words at the start of the
// transport header, after an IPv4 header of any length or an IPv6 header without extensions.
func (p *Program) AsksPorts() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		switch load := in.(type) {
		case bpf.LoadIndirect:
			return load.Size == 2 && (load.Off == 14 || load.Off == 16)
		case bpf.LoadAbsolute:
			return load.Size == 2 && (load.Off == ipv6Transport || load.Off == ipv6Transport+2)
		}
		return false
	})
}
