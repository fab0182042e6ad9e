// SPDX-License-Identifier: Apache-2.0

// Package column is the one table of output fields. Text, JSON, the help text
// and the documentation are all made from it, so that they cannot disagree.
package column

import (
	"slices"

	"tracer/internal/event"
)

// Group is the set of columns that one output flag switches on or off.
type Group string

const (
	// Packet columns are always there.
	Packet Group = "packet"
	// ID is switched by --output-id.
	ID Group = "id"
	// Time columns are chosen by --timestamp.
	Time Group = "time"
	// Meta columns are switched by --output-meta.
	Meta Group = "meta"
	// Tuple columns are switched by --output-tuple.
	Tuple Group = "tuple"
	// First is printed if only drops are traced.
	First Group = "first tuple"
	// CB is switched by --output-skb-cb.
	CB Group = "cb"
	// NetnsName is switched by --output-netns-names.
	NetnsName Group = "netns name"
	// Tunnel is switched by --output-tunnel.
	Tunnel Group = "tunnel"
	// Netfilter is switched by --output-netfilter.
	Netfilter Group = "netfilter"
	// Conntrack is switched by --output-conntrack.
	Conntrack Group = "conntrack"
	// BPFMap is switched by --output-bpfmap.
	BPFMap Group = "bpf map"
	// Caller is switched by --output-caller.
	Caller Group = "caller"
	// Return is switched by --output-return.
	Return Group = "return"
	// Program is switched by the flags that have BPF programs traced, and Duration by those
	// and --output-return.
	Program  Group = "program"
	Duration Group = "duration"
	// Lookups is switched by --output-lookups.
	Lookups Group = "lookups"
	// Head is there where XDP programs are traced.
	Head Group = "head"
	// Metadata is there where --output-skb-metadata gives expressions, XDPMetadata where
	// --output-xdp-metadata does.
	Metadata    Group = "metadata"
	XDPMetadata Group = "xdp metadata"
	// Stack is switched by --output-stack.
	Stack Group = "stack"
	// Skb is switched by --output-skb, Shared by --output-skb-shared-info.
	Skb    Group = "skb"
	Shared Group = "shared info"
)

// Type is the JSON type of a column's value.
type Type string

const (
	// String is a JSON string, or null where the event has no such thing.
	String Type = "string"
	// Number is a JSON number, or null where the event has no such thing.
	Number Type = "number"
	// Bool is true or false.
	Bool Type = "boolean"
	// Object is a JSON object, or null where the event has no such thing.
	Object Type = "object"
	// Array is a JSON array, or null where the event has no such thing.
	Array Type = "array"
)

// Column is one output field: its names, its place and how it is printed.
type Column struct {
	// Name is the field's own name, unique in the table.
	Name string
	// Header stands above the text column; a field for JSON alone, or a block, has none.
	Header string
	// Help says in one clause what the field holds.
	Help string
	// Width is the room in characters that its usual values need in text.
	Width int
	// Screen is how a terminal shows the column; set where there is a header.
	Screen Screen
	// Key and Type are the JSON member's.
	Key  string
	Type Type
	// Block says that the text is no cell but lines of its own below the row: none,
	// or some that each end with a line break.
	Block bool
	// Group is what switches the field on.
	Group Group
	// Of are the members that the value is made of; 0 if it is made of any others, so that it can change
	// while these do not.
	Of Members
	// Text appends the value as a text cell, without padding. It never breaks
	// the line, whatever bytes the kernel gave. nil is a field for JSON alone.
	Text func(dst []byte, e *event.Event) []byte
	// JSON appends the value as one complete JSON value.
	JSON func(dst []byte, e *event.Event) []byte

	timestamp Timestamp // for Group Time: the choice that shows it
}

// Options choose columns. The zero value chooses those that are always there.
type Options struct {
	// Meta adds what the sk_buff says of itself: netns, mark, interface, protocol, MTU, length.
	Meta bool
	// Tuple adds addresses, ports and fields of the transport header.
	Tuple bool
	// First adds the first tuple of a dropped packet: see [event.FirstTuple].
	First bool
	// ID adds the number of the packet and what part of it the sk_buff is.
	ID bool
	// Timestamp adds the time in the form chosen.
	Timestamp Timestamp
	// TCPFlags has the text of a TCP tuple tell the flags, and TCPSeq also sequence and
	// acknowledgement number and window.
	TCPFlags, TCPSeq bool
	// NetnsName adds the name of the network namespace, in text cut to NetnsNameMost
	// characters; 0 is 16.
	NetnsName     bool
	NetnsNameMost int
	// CB adds the words of skb->cb, Tunnel the packet inside of the packet, Caller who
	// called the function, Stack the whole stack.
	CB, Tunnel, Caller, Stack bool
	// Netfilter adds where in netfilter the function was called, Conntrack what connection
	// tracking holds of the packet.
	Netfilter, Conntrack bool
	// BPFMap adds what BPF programs do with maps on behalf of a packet.
	BPFMap bool
	// Return adds what functions returned and how long they took.
	Return bool
	// Program adds what BPF programs there are and what they decided.
	Program bool
	// Lookups adds what functions looked up.
	Lookups bool
	// Skb and Shared add copies of the sk_buff and its skb_shared_info, Metadata the
	// values of expressions.
	Skb, Shared, Metadata bool
	// Head adds where the memory with the packet's data is, XDPMetadata the values of
	// expressions on the xdp_buff.
	Head, XDPMetadata bool
	// Drops says that only drops are traced, so that each packet has one row.
	Drops bool
	// Chosen are the columns to print, in their order, as [Choose] gives them, and no others;
	// nil is all of the above.
	Chosen []string
}

// All is every column in the order of printing.
func All() []Column { return table(Options{}) }

// table is every column, with values in the form that o asks for.
func table(o Options) []Column {
	var all []Column
	for _, part := range [][]Column{
		wallColumns(), skbColumns(o), headColumns(), idColumns(), processColumns(), tickColumns(), metaColumns(), cbColumns(), netnsNameColumns(o),
		tupleColumns(o), tunnelColumns(o), conntrackColumns(), funcColumns(o), returnColumns(), programColumns(), lookupColumns(), netfilterColumns(), bpfMapColumns(), callerColumns(), metadataColumns(),
		firstColumns(o), stackColumns(), dumpColumns(),
	} {
		all = append(all, part...)
	}
	return all
}

// Select is the columns that o asks for, in the order of printing.
func Select(o Options) []Column {
	all := table(o)
	if o.Chosen != nil {
		return o.arrange(all)
	}
	var wanted []Column
	for _, c := range all {
		if o.wants(&c) {
			wanted = append(wanted, c)
		}
	}
	return wanted
}

// Needs is what has to be known of an event for the columns that o asks for.
func Needs(o Options) map[Group]bool {
	needs := map[Group]bool{}
	for _, c := range Select(o) {
		needs[c.Group] = true
	}
	return needs
}

// Shows says whether one of the columns that o asks for is made of time in that form.
func Shows(o Options, t Timestamp) bool {
	return slices.ContainsFunc(Select(o), func(c Column) bool { return c.Group == Time && c.timestamp == t })
}

func (o *Options) wants(c *Column) bool {
	if c.Group == Time {
		return c.timestamp == o.Timestamp
	}
	on := map[Group]bool{
		Packet: true, ID: o.ID, Meta: o.Meta, Tuple: o.Tuple, First: o.First, CB: o.CB, NetnsName: o.NetnsName, Tunnel: o.Tunnel, Caller: o.Caller,
		Return: o.Return, Program: o.Program, Duration: o.Return || o.Program, Lookups: o.Lookups, Netfilter: o.Netfilter, Conntrack: o.Conntrack, BPFMap: o.BPFMap,
		Metadata: o.Metadata, Head: o.Head, XDPMetadata: o.XDPMetadata, Stack: o.Stack, Skb: o.Skb, Shared: o.Shared,
	}
	return on[c.Group]
}
