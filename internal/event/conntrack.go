// SPDX-License-Identifier: Apache-2.0

package event

import "time"

// Conntrack is what the kernel's connection tracking holds of the packet.
type Conntrack struct {
	// State is the packet's place in its connection.
	State ConntrackState `cbor:"1,keyasint,omitzero"`
	// Known says that the members below are: the connection has an entry that could be read.
	Known bool `cbor:"2,keyasint,omitzero"`
	// Status is the entry's bits, IPS_*.
	Status uint32 `cbor:"3,keyasint,omitzero"`
	// Zone and Mark are told where this kernel has them.
	HasZone bool   `cbor:"4,keyasint,omitzero"`
	HasMark bool   `cbor:"5,keyasint,omitzero"`
	Zone    uint16 `cbor:"6,keyasint,omitzero"`
	Mark    uint32 `cbor:"7,keyasint,omitzero"`
	// TCPState is the connection's where Original is TCP.
	TCPState TCPState `cbor:"8,keyasint,omitzero"`
	// Left is the time until the entry ends if no packet comes.
	Left time.Duration `cbor:"9,keyasint,omitzero"`
	// Original is how the connection's first packet began, Reply how an answer begins. Of
	// ICMP they have type, code and id.
	Original Tuple `cbor:"10,keyasint,omitzero"`
	Reply    Tuple `cbor:"11,keyasint,omitzero"`
}

// ConntrackState is a packet's place in its connection: the kernel's
// enum ip_conntrack_info, counted from 1.
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

// String is the kernel's name without its prefix.
func (s ConntrackState) String() string {
	if int(s) < len(conntrackStates) {
		return conntrackStates[s]
	}
	return "unknown"
}

// StatusNames are the names of the bits of Conntrack.Status, as in IPS_CONFIRMED.
var StatusNames = [...]string{
	"EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE",
	"DYING", "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD", "HW_OFFLOAD",
}

// Confirmed reports whether the entry is in the kernel's table (IPS_CONFIRMED). Only then its timeout
// runs.
func (c *Conntrack) Confirmed() bool {
	const confirmed = 1 << 3
	return c.Status&confirmed != 0
}

// Translated says whether the connection's addresses or ports are changed on the way.
func (c *Conntrack) Translated() bool {
	const sourceNAT, destNAT = 1 << 4, 1 << 5
	return c.Status&(sourceNAT|destNAT) != 0
}

// TCPState is the state of a TCP connection: the kernel's enum tcp_conntrack.
type TCPState uint8

var tcpStates = [...]string{
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
}

// String is the kernel's name.
func (s TCPState) String() string {
	if int(s) < len(tcpStates) {
		return tcpStates[s]
	}
	return "unknown"
}
