// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// A program that is nil matches everything, and asks for nothing.

// AsksTransport says whether the expression asks for the transport header, which only the first
// fragment of a packet has: libpcap computes where it is from the length of IPv4's header.
func (p *Program) AsksTransport() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		_, ok := in.(bpf.LoadMemShift)
		return ok
	})
}

// addressPlaces are the words with IPv4 and IPv6 addresses in an Ethernet frame.
var addressPlaces = []uint32{22, 26, 30, 34, 38, 42, 46, 50}

// AsksAddresses says whether the expression asks for IP addresses.
func (p *Program) AsksAddresses() bool {
	return p != nil && slices.ContainsFunc(p.Classic, func(in bpf.Instruction) bool {
		load, ok := in.(bpf.LoadAbsolute)
		return ok && load.Size == 4 && slices.Contains(addressPlaces, load.Off)
	})
}
