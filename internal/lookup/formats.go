// SPDX-License-Identifier: Apache-2.0

package lookup

import "tracer/internal/event"

// Forms of values, for other tables of expressions.
var (
	Number, Hexadecimal = number, hexadecimal
	// IPv4 and IPv6 have one value, Prefix4 and Prefix6 an address and a length.
	IPv4, IPv6, Prefix4, Prefix6 = ipv4, ipv6, prefix4, prefix6
	// ByFamily is an address with its family, ByLength one with its length, LinkAddress a link-layer address
	// with its length.
	ByFamily, ByLength, LinkAddress = byFamily, byLength, linkAddress
	// String is a char array, such as the name of a device.
	String = device
	// Handle is the handle of a queueing discipline.
	Handle                                 = handle
	RouteTable, RouteType                  = routeTable, routeType
	SocketState, Protocol, NeighbourStates = socketState, protocol, nud
	ConntrackStatus, ConntrackTCPState     = conntrackStatus, conntrackTCP
)

// Word returns a form with the text that f appends.
func Word(f func(dst []byte, v []Value) []byte) Form { return word(f) }

// NumberAs returns a form for a number with the text that f appends.
func NumberAs(f func(dst []byte, v []Value) []byte) Form { return numeric(f) }

// Named returns a form with the name of a number.
func Named(names map[uint64]string) Form { return named(names) }

// Flags returns a form with the names of the bits that are set.
func Flags(names []string) Form { return flags(names) }

// Number returns the value of a number.
func (v Value) Number() uint64 { return v.number() }

// Append appends the text of the values.
func (f Form) Append(dst []byte, v []Value) []byte { return f.append(dst, v) }

// Kind returns the type that the values have in an event.
func (f Form) Kind() event.FactKind { return f.kind }
