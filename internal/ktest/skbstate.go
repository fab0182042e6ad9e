// SPDX-License-Identifier: Apache-2.0

package ktest

import "bytes"

// PacketOffset is the offset of the packet in the memory of an sk_buff, as tests build it.
const PacketOffset = 512

const (
	marker       = 0xa5
	linkHeader   = 14
	noLinkHeader = 0xffff
)

// InMemory returns memory with the packet at PacketOffset, and marker bytes around it.
func InMemory(packet []byte) []byte {
	memory := bytes.Repeat([]byte{marker}, SkbMemory)
	copy(memory[PacketOffset:], packet)
	return memory
}

// Received returns the state of an sk_buff on receive: data is at the link header of a frame of that length, which
// begins at PacketOffset.
func Received(memory []byte, length int) SkbState {
	return SkbState{Memory: memory, Mac: PacketOffset, Network: PacketOffset + linkHeader, Data: PacketOffset, Tail: PacketOffset + length}
}

// Sent returns the state of the same packet on transmit, before it has a link header: data is at the network header.
func (s SkbState) Sent(etherType uint16) SkbState {
	s.Mac, s.Data, s.Protocol = noLinkHeader, s.Network, etherType
	return s
}
