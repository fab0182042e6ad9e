// SPDX-License-Identifier: Apache-2.0

// Package column has the table of all output fields. Text, JSON, help text and documentation
// are generated from it, so they cannot disagree.
package column

import (
	"slices"

	"tracer/internal/event"
)

// Group is a set of columns that an output flag switches on or off together.
type Group string

const (
	// Packet columns are always available.
	Packet Group = "packet"
	// ID is switched by --output-id.
	ID Group = "id"
	// Time columns are chosen by --timestamp.
	Time Group = "time"
	// Meta columns are switched by --output-meta.
	Meta Group = "meta"
	// Tuple columns are switched by --output-tuple.
	Tuple Group = "tuple"
	// First is available if only drops are traced.
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
	// Program is switched by the flags that trace BPF programs, and Duration by these
	// and --output-return.
	Program  Group = "program"
	Duration Group = "duration"
	// Lookups is switched by --output-lookups.
	Lookups Group = "lookups"
	// Head is available if XDP programs are traced.
	Head Group = "head"
	// Metadata is switched by --output-skb-metadata, XDPMetadata by
	// --output-xdp-metadata.
	Metadata    Group = "metadata"
	XDPMetadata Group = "xdp metadata"
	// Why is switched by --output-why, --why and --drop.
	Why Group = "why"
	// Stack is switched by --output-stack.
	Stack Group = "stack"
	// Skb is switched by --output-skb, Shared by --output-skb-shared-info.
	Skb    Group = "skb"
	Shared Group = "shared info"
)

// Type is the JSON type of a column's value.
type Type string

const (
	// String is a JSON string, or null if the event has no value.
	String Type = "string"
	// Number is a JSON number, or null if the event has no value.
	Number Type = "number"
	// Bool is true or false.
	Bool Type = "boolean"
	// Object is a JSON object, or null if the event has no value.
	Object Type = "object"
	// Array is a JSON array, or null if the event has no value.
	Array Type = "array"
)

// Column is one output field: its names, its width and how it is printed.
type Column struct {
	// Name is unique in the table.
	Name string
	// Header is the title of the text column; empty for blocks, and for fields that are only in JSON.
	Header string
	// Help describes the field in one clause.
	Help string
	// Width is the width in characters that usual values need in text.
	Width int
	// Screen describes the column on a terminal; only set if there is a header.
	Screen Screen
	// Key and Type are the key and the type of the JSON member.
	Key  string
	Type Type
	// Block is set if the text is not a cell, but lines below the row. Each line ends with a line
	// break; there may be none.
	Block bool
	// Group switches the field on.
	Group Group
	// Of are the members of the event that the value depends on. It is 0 if the value depends on any
	// member that [Members] does not have.
	Of Members
	// Text appends the value as a text cell, without padding. It escapes line breaks
	// in data from the kernel. It is nil for fields that are only in JSON.
	Text func(dst []byte, e *event.Event) []byte
	// JSON appends the value as one complete JSON value.
	JSON func(dst []byte, e *event.Event) []byte

	timestamp Timestamp // for Group Time: the value of Options.Timestamp that shows it
}

// Options choose columns. The zero value chooses those that are always printed.
type Options struct {
	// Meta adds metadata of the sk_buff: netns, mark, interface, protocol, MTU, length.
	Meta bool
	// Tuple adds addresses, ports and fields of the transport header.
	Tuple bool
	// First adds the first tuple of a dropped packet: see [event.FirstTuple].
	First bool
	// ID adds the number of the packet, and which of its parts the sk_buff is, such as a clone or
	// a segment.
	ID bool
	// Timestamp adds the time in that form.
	Timestamp Timestamp
	// TCPFlags adds the TCP flags to the text of a tuple, and TCPSeq also sequence number,
	// acknowledgement number and window.
	TCPFlags, TCPSeq bool
	// NetnsName adds the name of the network namespace, which text truncates to NetnsNameMost
	// characters; 0 means 16.
	NetnsName     bool
	NetnsNameMost int
	// CB adds the words of skb->cb, Tunnel the inner packet of a tunnel, Caller the caller
	// of the function, Stack the whole stack.
	CB, Tunnel, Caller, Stack bool
	// Netfilter adds the netfilter hook that called the function, Conntrack the state of the
	// packet's connection.
	Netfilter, Conntrack bool
	// BPFMap adds the operations of BPF programs on maps while they handle a packet.
	BPFMap bool
	// Return adds return values and durations of functions.
	Return bool
	// Program adds BPF programs and their verdicts.
	Program bool
	// Lookups adds the keys and results of look-ups.
	Lookups bool
	// Why adds the cause of a drop.
	Why bool
	// Skb and Shared add copies of the sk_buff and its skb_shared_info, Metadata the
	// values of expressions.
	Skb, Shared, Metadata bool
	// Head adds the address of the packet's buffer (skb->head), XDPMetadata the values of expressions
	// on the xdp_buff.
	Head, XDPMetadata bool
	// Drops is set if only drops are traced, so that each packet has one row.
	Drops bool
	// Chosen are the names of the columns to print, in order, as returned by [Choose]. nil means
	// the columns that the other options select.
	Chosen []string
}

// All returns every column in the order of printing.
func All() []Column { return table(Options{}) }

// table returns every column, with values in the form that o selects.
func table(o Options) []Column {
	var all []Column
	for _, part := range [][]Column{
		wallColumns(), skbColumns(o), headColumns(), idColumns(), processColumns(), tickColumns(), metaColumns(), cbColumns(), netnsNameColumns(o),
		tupleColumns(o), tunnelColumns(o), conntrackColumns(), funcColumns(o), returnColumns(), programColumns(), lookupColumns(), netfilterColumns(), bpfMapColumns(), callerColumns(), metadataColumns(),
		firstColumns(o), whyColumns(), stackColumns(), dumpColumns(),
	} {
		all = append(all, part...)
	}
	return all
}

// Select returns the columns that o selects, in the order of printing.
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

// Needs returns the groups of the columns that o selects. The data of these groups has to be collected.
func Needs(o Options) map[Group]bool {
	needs := map[Group]bool{}
	for _, c := range Select(o) {
		needs[c.Group] = true
	}
	return needs
}

// Shows reports whether o selects a time column of that form.
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
		Metadata: o.Metadata, Head: o.Head, XDPMetadata: o.XDPMetadata, Why: o.Why, Stack: o.Stack, Skb: o.Skb, Shared: o.Shared,
	}
	return on[c.Group]
}
