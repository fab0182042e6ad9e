// SPDX-License-Identifier: Apache-2.0

package event

import "net/netip"

// Network is the network layer of an skb.
type Network uint8

// Tuple has the addresses of a packet, and members of its transport header.
type Tuple struct {
	Network Network `cbor:"1,keyasint,omitzero"`
	// Source and Dest are IP addresses; for ARP the sender's and the target's.
	Source netip.Addr `cbor:"2,keyasint,omitzero"`
	Dest   netip.Addr `cbor:"3,keyasint,omitzero"`
	// Protocol is the IP protocol after all extension headers.
	Protocol uint8 `cbor:"4,keyasint,omitzero"`
	// Ports means that SourcePort and DestPort are valid (TCP, UDP, SCTP, DCCP, UDP-Lite).
	Ports      bool   `cbor:"5,keyasint,omitzero"`
	SourcePort uint16 `cbor:"6,keyasint,omitzero"`
	DestPort   uint16 `cbor:"7,keyasint,omitzero"`
	// Fragment means that the packet is a fragment; FragmentOffset is in bytes.
	// A fragment with an offset has no transport header.
	Fragment       bool   `cbor:"8,keyasint,omitzero"`
	FragmentOffset uint16 `cbor:"9,keyasint,omitzero"`
	ICMP           ICMP   `cbor:"10,keyasint,omitzero"`
	// HasTCPFlags means that TCPFlags is valid: the packet contains the first 14 bytes of the header.
	HasTCPFlags bool  `cbor:"11,keyasint,omitzero"`
	TCPFlags    uint8 `cbor:"12,keyasint,omitzero"`
	TCP         TCP   `cbor:"13,keyasint,omitzero"`
	// ARPOperation is 1 for a request, 2 for a reply.
	ARPOperation uint16 `cbor:"14,keyasint,omitzero"`
	// VLAN is the 802.1Q id of the outermost tag, accelerated or in the frame; HasVLAN means that there is one.
	HasVLAN bool   `cbor:"15,keyasint,omitzero"`
	VLAN    uint16 `cbor:"16,keyasint,omitzero"`
	// InnerVLAN is the id of the next tag (QinQ); HasInnerVLAN means that there is one.
	HasInnerVLAN bool   `cbor:"17,keyasint,omitzero"`
	InnerVLAN    uint16 `cbor:"18,keyasint,omitzero"`
	// Tags is the number of VLAN tags, accelerated or in the frame (at most 9 are counted); ThirdVLAN
	// is the id of the third.
	Tags      uint8  `cbor:"19,keyasint,omitzero"`
	ThirdVLAN uint16 `cbor:"20,keyasint,omitzero"`
	// EtherType is the Ethertype of the network layer, in host order.
	EtherType uint16 `cbor:"21,keyasint,omitzero"`
	// SAP and SNAP are the LLC and SNAP headers of an 802.3 frame, if Network is LLC.
	SAP  SAP  `cbor:"22,keyasint,omitzero"`
	SNAP SNAP `cbor:"23,keyasint,omitzero"`
	// SocketFamily is AF_*, if Network is OtherSocket.
	SocketFamily uint16 `cbor:"24,keyasint,omitzero"`
}

// SAP has the destination and source service access points of an LLC header (IEEE 802.2), which are
// protocol numbers.
type SAP struct {
	// Recorded means that Dest and Source are valid.
	Recorded bool  `cbor:"1,keyasint,omitzero"`
	Dest     uint8 `cbor:"2,keyasint,omitzero"`
	Source   uint8 `cbor:"3,keyasint,omitzero"`
}

// SNAP is the Subnetwork Access Protocol header, which may follow the LLC header.
type SNAP struct {
	// Recorded means that OUI and Protocol are valid.
	Recorded bool `cbor:"1,keyasint,omitzero"`
	// OUI is the organization that assigned the protocol number; 0 means Ethertypes.
	OUI      uint32 `cbor:"2,keyasint,omitzero"`
	Protocol uint16 `cbor:"3,keyasint,omitzero"`
}

// ICMP is the header of an ICMP or ICMPv6 message.
type ICMP struct {
	// Recorded means that Type and Code are valid.
	Recorded bool  `cbor:"1,keyasint,omitzero"`
	Type     uint8 `cbor:"2,keyasint,omitzero"`
	Code     uint8 `cbor:"3,keyasint,omitzero"`
	// Echo means that ID and Seq are valid.
	Echo bool   `cbor:"4,keyasint,omitzero"`
	ID   uint16 `cbor:"5,keyasint,omitzero"`
	Seq  uint16 `cbor:"6,keyasint,omitzero"`
}

// TCP has the members of a TCP header besides ports and flags.
type TCP struct {
	// Recorded means that the other members are valid.
	Recorded bool   `cbor:"1,keyasint,omitzero"`
	Seq      uint32 `cbor:"2,keyasint,omitzero"`
	Ack      uint32 `cbor:"3,keyasint,omitzero"`
	// Window is the value in the header, without scaling.
	Window uint16 `cbor:"4,keyasint,omitzero"`
}

// TunnelKind is how a packet is encapsulated in another one.
type TunnelKind uint8

// String returns the kind as `ip link` spells it.
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

// Tunnel is the packet inside a tunnel packet.
type Tunnel struct {
	Kind TunnelKind `cbor:"1,keyasint,omitzero"`
	// ID is the VNI, or the key of GRE; HasID means that there is one.
	HasID bool   `cbor:"2,keyasint,omitzero"`
	ID    uint32 `cbor:"3,keyasint,omitzero"`
	// Tuple is the tuple of the inner packet.
	Tuple Tuple `cbor:"4,keyasint,omitzero"`
}
