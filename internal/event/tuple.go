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
	// LLC is an 802.3 frame: it has a length in place of an Ethertype.
	LLC
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
	// HasTCPFlags says that TCPFlags is valid: the packet holds the header up to there (14 bytes).
	HasTCPFlags bool
	TCPFlags    uint8
	TCP         TCP
	// ARPOperation is 1 for a request, 2 for a reply.
	ARPOperation uint16
	// VLAN is the 802.1Q id of the outermost tag, accelerated or in the frame; HasVLAN says there is one.
	HasVLAN bool
	VLAN    uint16
	// InnerVLAN is the id of the next tag (QinQ), where there is one.
	HasInnerVLAN bool
	InnerVLAN    uint16
	// Tags is the number of VLAN tags, accelerated or in the frame (at most 9 are counted); ThirdVLAN
	// is the id of the third.
	Tags      uint8
	ThirdVLAN uint16
	// EtherType is the network layer's, in host order.
	EtherType uint16
	// SAP and SNAP are the LLC and SNAP headers of an 802.3 frame, for LLC.
	SAP  SAP
	SNAP SNAP
	// SocketFamily is AF_*, for OtherSocket.
	SocketFamily uint16
}

// SAP is the destination and source service access points of an LLC header (IEEE 802.2), which are
// protocol numbers.
type SAP struct {
	// Told says that Dest and Source are valid.
	Told         bool
	Dest, Source uint8
}

// SNAP is the Subnetwork Access Protocol header, which may follow the LLC header.
type SNAP struct {
	// Told says that OUI and Protocol are valid.
	Told bool
	// OUI is the organization that assigned the protocol number; 0 means Ethertypes.
	OUI      uint32
	Protocol uint16
}

// ICMP is the head of an ICMP or ICMPv6 message.
type ICMP struct {
	// Told says that Type and Code are valid.
	Told       bool
	Type, Code uint8
	// Echo says that ID and Seq are real.
	Echo    bool
	ID, Seq uint16
}

// TCP is what a TCP header says besides ports and flags.
type TCP struct {
	// Told says that the rest is real.
	Told     bool
	Seq, Ack uint32
	// Window is as in the header, not scaled.
	Window uint16
}

// TunnelKind is how a packet is packed into another one.
type TunnelKind uint8

const (
	// NoTunnel is a packet that carries no other.
	NoTunnel TunnelKind = iota
	VXLAN
	Geneve
	GRE
	IPIP
	// OtherTunnel is one that the kernel tells of and whose kind is not known.
	OtherTunnel
	// VXLANGPE is VXLAN with the generic protocol extension: the header names the inner protocol.
	VXLANGPE
)

// String is the kind as `ip link` spells it.
func (k TunnelKind) String() string {
	switch k {
	case VXLAN:
		return "vxlan"
	case Geneve:
		return "geneve"
	case GRE:
		return "gre"
	case IPIP:
		return "ipip"
	case OtherTunnel:
		return "tunnel"
	case VXLANGPE:
		return "vxlan-gpe"
	}
	return "none"
}

// Tunnel is the packet inside of the packet.
type Tunnel struct {
	Kind TunnelKind
	// ID is the VNI, or the key of GRE; HasID says that there is one.
	HasID bool
	ID    uint32
	// Tuple is the inner packet's.
	Tuple Tuple
}
