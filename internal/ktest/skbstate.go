// SPDX-License-Identifier: Apache-2.0

package ktest

import "bytes"

// Placed is the offset of a packet in the memory of its sk_buff in tests.
const Placed = 512

const (
	marker       = 0xa5
	linkHeader   = 14
	noLinkHeader = 0xffff
)

// InMemory returns memory with the packet at Placed, and marker bytes around it.
func InMemory(packet []byte) []byte {
	memory := bytes.Repeat([]byte{marker}, SkbMemory)
	copy(memory[Placed:], packet)
	return memory
}

// Received returns the state of an sk_buff with a received frame of that length at Placed.
func Received(memory []byte, length int) SkbState {
	return SkbState{Memory: memory, Mac: Placed, Network: Placed + linkHeader, Data: Placed, Tail: Placed + length}
}

// Sent returns the state of the same packet on its way out, before it has a link header.
func (s SkbState) Sent(etherType uint16) SkbState {
	s.Mac, s.Data, s.Protocol = noLinkHeader, s.Network, etherType
	return s
}
