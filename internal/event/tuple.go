// SPDX-License-Identifier: Apache-2.0

package event

import "net/netip"

// Network is what an skb carries at its network layer.
type Network uint8

const (
	// NoPacket is an skb without a packet yet or at all.
	NoPacket Network = iota
	IPv4
	IPv6
	ARP
	// OtherNetwork is a packet of an Ethertype that is not taken apart.
	OtherNetwork
	// Netlink, Unix and OtherSocket are skbs that only carry data between sockets.
	Netlink
	Unix
	OtherSocket
)

// Tuple is the packet's addresses and what its transport header says.
type Tuple struct {
	Network Network
	// Source and Dest are IP addresses; for ARP the sender's and the target's.
	Source, Dest netip.Addr
	// Protocol is the IP protocol after all extension headers.
	Protocol uint8
	// Ports says that SourcePort and DestPort are real (TCP, UDP, SCTP, DCCP, UDP-Lite).
	Ports                bool
	SourcePort, DestPort uint16
	// Fragment says that the packet is a fragment; FragmentOffset is in bytes.
	// A fragment with an offset has no transport header.
	Fragment       bool
	FragmentOffset uint16
	ICMP           ICMP
	TCPFlags       uint8
	// ARPOperation is 1 for a request, 2 for a reply.
	ARPOperation uint16
	// VLAN is the 802.1Q id of the outermost tag, accelerated or in the frame; HasVLAN says there is one.
	HasVLAN bool
	VLAN    uint16
	// EtherType is the network layer's, in host order.
	EtherType uint16
	// SocketFamily is AF_*, for OtherSocket.
	SocketFamily uint16
}

// ICMP is the head of an ICMP or ICMPv6 message.
type ICMP struct {
	Type, Code uint8
	// Echo says that ID and Seq are real.
	Echo    bool
	ID, Seq uint16
}
