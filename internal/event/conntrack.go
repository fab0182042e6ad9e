// SPDX-License-Identifier: Apache-2.0

package event

import "time"

// Conntrack is the state of connection tracking for the packet.
type Conntrack struct {
	// State is the packet's state in its connection.
	State ConntrackState `cbor:"1,keyasint,omitzero"`
	// Known means that the members below are valid: the connection has an entry that could be read.
	Known bool `cbor:"2,keyasint,omitzero"`
	// Status is nf_conn.status, bits IPS_*.
	Status uint32 `cbor:"3,keyasint,omitzero"`
	// HasZone and HasMark mean that this kernel has Zone and Mark.
	HasZone bool   `cbor:"4,keyasint,omitzero"`
	HasMark bool   `cbor:"5,keyasint,omitzero"`
	Zone    uint16 `cbor:"6,keyasint,omitzero"`
	Mark    uint32 `cbor:"7,keyasint,omitzero"`
	// TCPState is the state of a TCP connection; valid if Original is TCP.
	TCPState TCPState `cbor:"8,keyasint,omitzero"`
	// Left is the time until the entry expires if no packet arrives.
	Left time.Duration `cbor:"9,keyasint,omitzero"`
	// Original is the tuple of the connection's first packet, Reply the tuple of packets in the other
	// direction. For ICMP they have type, code and id.
	Original Tuple `cbor:"10,keyasint,omitzero"`
	Reply    Tuple `cbor:"11,keyasint,omitzero"`
}

// ConntrackState is a packet's state in its connection: the kernel's enum ip_conntrack_info, plus 1.
type ConntrackState uint8

// Untracked is a packet that a rule excluded from connection tracking. Invalid is one that
// connection tracking has seen and that belongs to no connection; the kernel has no number for it.
// NotTracked is any other packet without a connection, such as one that has not been seen yet.
const (
	NotTracked ConntrackState = 0
	Untracked  ConntrackState = 8
	Invalid    ConntrackState = 9
)

var conntrackStates = [...]string{
	"", "ESTABLISHED", "RELATED", "NEW", "ESTABLISHED_REPLY", "RELATED_REPLY", "6", "7", "UNTRACKED", "INVALID",
}

// String returns the kernel's name without its prefix.
func (s ConntrackState) String() string {
	if int(s) < len(conntrackStates) {
		return conntrackStates[s]
	}
	return "unknown"
}

// StatusNames are the names of the bits of Conntrack.Status without the prefix IPS_.
var StatusNames = [...]string{
	"EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE",
	"DYING", "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD", "HW_OFFLOAD",
}

// Confirmed reports whether the entry is in the kernel's table (IPS_CONFIRMED). Its timeout runs only then.
func (c *Conntrack) Confirmed() bool {
	const confirmed = 1 << 3
	return c.Status&confirmed != 0
}

// Translated reports whether NAT changes addresses or ports of the connection.
func (c *Conntrack) Translated() bool {
	const sourceNAT, destNAT = 1 << 4, 1 << 5
	return c.Status&(sourceNAT|destNAT) != 0
}

// TCPState is the state of a TCP connection: the kernel's enum tcp_conntrack.
type TCPState uint8

var tcpStates = [...]string{
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
}

// String returns the kernel's name.
func (s TCPState) String() string {
	if int(s) < len(tcpStates) {
		return tcpStates[s]
	}
	return "unknown"
}
