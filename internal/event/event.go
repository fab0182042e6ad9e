// SPDX-License-Identifier: Apache-2.0

// Package event describes what happened to a packet. Its one record is shared by all stages after
// the ring buffer: stream decodes it, enrich adds names, column and export print it. It can be kept
// (Clone) and stored (Encode, Decode).
package event

// Kind tells what an [Event] reports.
type Kind uint8

const (
	// Function is the entry of a kernel function that takes an skb.
	Function Kind = iota + 1
	// Tracepoint is the hit of a raw tracepoint that takes an skb.
	Tracepoint
	// Return is the return of a function whose entry was an event, too.
	Return
	// Program is the entry of a BPF program.
	Program
	// Verdict is what a BPF program decided whose entry was an event, too.
	Verdict
	// Looked is the return of a function that looked something up, and whose entry was none.
	Looked
	// Lost is no packet: it stands in the stream where events are missing.
	Lost
	// Summary is the last record of a run: what was made, printed and lost.
	Summary
)

// String is the kind as JSON spells it.
func (k Kind) String() string {
	switch k {
	case Function:
		return "function"
	case Tracepoint:
		return "tracepoint"
	case Return:
		return "return"
	case Program:
		return "program"
	case Verdict:
		return "verdict"
	case Looked:
		return "lookup"
	case Lost:
		return "lost"
	case Summary:
		return "summary"
	}
	return "unknown"
}

// IsReturn says whether a function has returned.
func (k Kind) IsReturn() bool { return k == Return || k == Looked }

// Event is one record: a core, and sections that are nil if the event has no such thing. Kind says which
// members mean something.
//
// A source reuses an event, with all memory that it refers to, for the next one. Whoever keeps an event
// keeps a [Event.Clone].
type Event struct {
	Kind Kind `cbor:"1,keyasint,omitzero"`
	// TailCalled means that this BPF program was entered by a tail call, or ended with one: another
	// program continued and has its verdict.
	TailCalled bool   `cbor:"2,keyasint,omitzero"`
	CPU        uint32 `cbor:"3,keyasint,omitzero"`
	// Time is the kernel's CLOCK_MONOTONIC (bpf_ktime_get_ns) at the hit.
	Time uint64 `cbor:"4,keyasint,omitzero"`
	// Skb is the kernel address of the sk_buff; 0 for an XDP frame, which has none.
	Skb uint64 `cbor:"5,keyasint,omitzero"`
	// Head is where the memory with the packet's data begins, which an XDP frame passes on
	// to the sk_buff; 0 where it was not asked for.
	Head uint64 `cbor:"6,keyasint,omitzero"`
	// Addr is the address of the function; 0 for tracepoints and BPF programs.
	Addr    uint64   `cbor:"7,keyasint,omitzero"`
	Process Process  `cbor:"8,keyasint,omitzero"`
	Meta    Meta     `cbor:"9,keyasint,omitzero"`
	Tuple   Tuple    `cbor:"10,keyasint,omitzero"`
	Lineage Lineage  `cbor:"11,keyasint,omitzero"`
	Drop    Drop     `cbor:"12,keyasint,omitzero"`
	Return  Returned `cbor:"13,keyasint,omitzero"`
	// Names are set by enrich.
	Names Names `cbor:"14,keyasint,omitzero"`

	Tunnel *Tunnel `cbor:"15,keyasint,omitzero"`
	// First is the first tuple of a dropped packet.
	First     *FirstTuple `cbor:"16,keyasint,omitzero"`
	Netfilter *Netfilter  `cbor:"17,keyasint,omitzero"`
	Conntrack *Conntrack  `cbor:"18,keyasint,omitzero"`
	// Map is the operation of a BPF program on a map.
	Map *MapCall `cbor:"19,keyasint,omitzero"`
	// CB is the qdisc's part of skb->cb, in words (__sk_buff->cb).
	CB   *CB   `cbor:"20,keyasint,omitzero"`
	Loss *Loss `cbor:"21,keyasint,omitzero"`
	// Totals are those of a Summary.
	Totals *Totals `cbor:"22,keyasint,omitzero"`

	// These sections are set by enrich, from Raw.

	// BPF is the BPF program that the event is about.
	BPF *BPF `cbor:"23,keyasint,omitzero"`
	// Lookup is what the function looked up.
	Lookup *Lookup `cbor:"24,keyasint,omitzero"`
	// Stack has the innermost function first, without the frames of the probe itself.
	Stack []Frame `cbor:"25,keyasint,omitzero"`
	// SkbDump is the struct sk_buff, SharedInfo its struct skb_shared_info.
	SkbDump    *Value `cbor:"26,keyasint,omitzero"`
	SharedInfo *Value `cbor:"27,keyasint,omitzero"`
	// Values are those of the user's expressions on the sk_buff, XDPValues those on the xdp_buff.
	Values    []NamedValue `cbor:"28,keyasint,omitzero"`
	XDPValues []NamedValue `cbor:"29,keyasint,omitzero"`

	// Raw is only for enrich. It is neither cloned nor stored.
	Raw Raw `cbor:"-"`
}

// CB is words of skb->cb.
type CB [5]uint32

// Raw is what a record holds besides: numbers that mean something only together with the plan, and
// bytes in the layout and byte order of the traced kernel.
type Raw struct {
	// ID is the index of a tracepoint in the plan, or the id of a BPF program.
	ID uint64
	// Arguments are 32 bits of each of a function's arguments 2 to 4.
	Arguments [3]uint32
	// Stack holds return addresses, those of the probe itself among them.
	Stack []uint64
	// Skb is the struct sk_buff, Shared its struct skb_shared_info.
	Skb, Shared []byte
	// Values are those of the user's expressions, in the layout of the plan, XDPValues those on the
	// xdp_buff, and Lookup those that describe a look-up.
	Values, XDPValues, Lookup []byte
}

// Packet tells packets apart: by number where they are followed, or else by the address
// of the sk_buff, or of a frame's memory, which is another packet's later.
func (e *Event) Packet() uint64 {
	switch {
	case e.Lineage.ID != 0:
		return e.Lineage.ID
	case e.Skb == 0:
		return e.Head
	}
	return e.Skb
}

// Process is what ran on the CPU at the hit; in softirq that is whoever was interrupted.
type Process struct {
	// PID is the process id (tgid), TID the thread's.
	PID uint32 `cbor:"1,keyasint,omitzero"`
	TID uint32 `cbor:"2,keyasint,omitzero"`
	// Comm is the task's name, at most 15 bytes, NUL-terminated.
	Comm [16]byte `cbor:"3,keyasint,omitzero"`
}

// Meta is what the sk_buff says of itself.
type Meta struct {
	// Netns is the inode number of the network namespace, of skb->dev's or else of skb->sk's.
	Netns uint32 `cbor:"1,keyasint,omitzero"`
	// Ifindex is skb->dev's index, 0 without a device, and Ifname its name.
	Ifindex uint32   `cbor:"2,keyasint,omitzero"`
	Ifname  [16]byte `cbor:"3,keyasint,omitzero"`
	Mark    uint32   `cbor:"4,keyasint,omitzero"`
	// Len is skb->len in bytes.
	Len uint32 `cbor:"5,keyasint,omitzero"`
	// MTU is the route's, or else the device's, in bytes.
	MTU uint32 `cbor:"6,keyasint,omitzero"`
	// Protocol is skb->protocol, an Ethertype, in host order.
	Protocol uint16 `cbor:"7,keyasint,omitzero"`
}

// ReasonPrefix begins the names of drop reasons. It is omitted on terminals.
const ReasonPrefix = "SKB_DROP_REASON_"

// Drop is why and where the kernel gave the packet up.
type Drop struct {
	// Dropped is set on the skb:kfree_skb tracepoint.
	Dropped bool `cbor:"1,keyasint,omitzero"`
	// Benign is set for a drop that is normal on a healthy network.
	Benign bool `cbor:"2,keyasint,omitzero"`
	// HasReason is set where the kernel gave a reason (5.17 and newer).
	HasReason bool   `cbor:"3,keyasint,omitzero"`
	Reason    uint32 `cbor:"4,keyasint,omitzero"`
	// Location is the address of the code that dropped; 0 when not known.
	Location uint64 `cbor:"5,keyasint,omitzero"`
}

// BPF is a BPF program.
type BPF struct {
	ID uint32 `cbor:"1,keyasint,omitzero"`
	// Name may be empty, Tag is a sum over the program's instructions.
	Name string `cbor:"2,keyasint,omitzero"`
	Tag  string `cbor:"3,keyasint,omitzero"`
	// Kind is its kind in short, Type the kernel's type of it.
	Kind string `cbor:"4,keyasint,omitzero"`
	Type string `cbor:"5,keyasint,omitzero"`
	// Addr is where its code begins; 0 where that is not known.
	Addr uint64 `cbor:"6,keyasint,omitzero"`
}

// Returned is what a function came to; of a Return, a Looked or a Verdict.
type Returned struct {
	// Value is the register's, of which the function's type says how much counts.
	Value uint64 `cbor:"1,keyasint,omitzero"`
	// Duration is the time from the function's entry, in nanoseconds.
	Duration uint64 `cbor:"2,keyasint,omitzero"`
}

// ResultClass is what a function's result is.
type ResultClass uint8

const (
	// NoResult: the function returns nothing, or nothing that could be told.
	NoResult ResultClass = iota
	// SignedResult and UnsignedResult are numbers, PointerResult is an address.
	SignedResult
	UnsignedResult
	PointerResult
)

// Result is Returned.Value by the function's type.
type Result struct {
	Class ResultClass `cbor:"1,keyasint,omitzero"`
	Value uint64      `cbor:"2,keyasint,omitzero"`
	// Name is what the value is called, as in NF_DROP or ENOENT; empty for no name.
	Name string `cbor:"3,keyasint,omitzero"`
}

// Loss tells of events that were made and could not be delivered.
type Loss struct {
	Cause LossCause `cbor:"1,keyasint,omitzero"`
	Count uint64    `cbor:"2,keyasint,omitzero"`
}

// LossCause is why events were lost.
type LossCause uint8

const (
	// RingFull: the ring buffer had no room.
	RingFull LossCause = iota
	// LossCauses counts the causes.
	LossCauses
)

// String is the cause in words.
func (c LossCause) String() string {
	if c == RingFull {
		return "ring buffer full"
	}
	return "unknown cause"
}

// Key is the cause as JSON spells it.
func (c LossCause) Key() string {
	if c == RingFull {
		return "ring_buffer_full"
	}
	return "unknown"
}

// Totals sum up a run.
type Totals struct {
	// Matched is how many events matched in the kernel: Printed plus Suppressed plus the sum of Lost.
	Matched uint64 `cbor:"1,keyasint,omitzero"`
	Printed uint64 `cbor:"2,keyasint,omitzero"`
	// Suppressed counts events left unprinted because of a limit: of lines, of packets, of
	// events a packet or a second.
	Suppressed uint64 `cbor:"3,keyasint,omitzero"`
	// Packets counts distinct packets among the printed events; sk_buffs where packets
	// are not followed.
	Packets uint64 `cbor:"4,keyasint,omitzero"`
	// Dropped counts printed drops that are not benign, and DropReasons those of each reason,
	// the most frequent first.
	Dropped     uint64        `cbor:"5,keyasint,omitzero"`
	DropReasons []ReasonCount `cbor:"6,keyasint,omitzero"`
	// BenignReasons are the printed benign drops likewise, and HiddenReasons those that were
	// hidden (--drop-hide-benign).
	BenignReasons []ReasonCount      `cbor:"7,keyasint,omitzero"`
	HiddenReasons []ReasonCount      `cbor:"8,keyasint,omitzero"`
	Lost          [LossCauses]uint64 `cbor:"9,keyasint,omitzero"`
	// Evicted counts sk_buffs that were followed and had to make room for others before
	// their end.
	Evicted uint64 `cbor:"10,keyasint,omitzero"`
	// Unreturned counts printed function calls of which the return was not seen.
	Unreturned uint64 `cbor:"11,keyasint,omitzero"`
	// WithoutNetns and WithoutIfname count events that passed all other filters and were rejected
	// because the packet's network namespace, or its interface, was unknown.
	WithoutNetns  uint64 `cbor:"12,keyasint,omitzero"`
	WithoutIfname uint64 `cbor:"13,keyasint,omitzero"`
	// Headless counts dropped fragments without a transport header that the filter did not
	// match.
	Headless uint64 `cbor:"14,keyasint,omitzero"`
	// Missed counts hits that the kernel did not run a program for (recursion);
	// whether they would have matched is not known.
	Missed uint64 `cbor:"15,keyasint,omitzero"`
	// Unseen lists what a run without events did not look at; empty if there were events.
	Unseen []Unseen `cbor:"16,keyasint,omitzero"`
	// Duration is that of tracing, in nanoseconds.
	Duration uint64 `cbor:"17,keyasint,omitzero"`
}

// ReasonCount counts the drops for a reason. Name is empty if the kernel has no reasons (before
// 5.17).
type ReasonCount struct {
	Name  string `cbor:"1,keyasint,omitzero"`
	Count uint64 `cbor:"2,keyasint,omitzero"`
}

// Names are the words for an event's numbers.
type Names struct {
	// Func is the function or tracepoint.
	Func string `cbor:"1,keyasint,omitzero"`
	// Module is the kernel module that Func lives in, empty for vmlinux.
	Module string `cbor:"2,keyasint,omitzero"`
	// Result is what the function or the BPF program returned.
	Result Result `cbor:"3,keyasint,omitzero"`
	// Reason is the drop reason's name, as in SKB_DROP_REASON_NO_SOCKET, or its number.
	Reason string `cbor:"4,keyasint,omitzero"`
	// Location is Drop.Location as symbol+0xoffset.
	Location string `cbor:"5,keyasint,omitzero"`
	// Netns is the network namespace's name, empty where it has none.
	Netns string `cbor:"6,keyasint,omitzero"`
	// Caller is the function that called, as symbol+0xoffset.
	Caller string `cbor:"7,keyasint,omitzero"`
	// WallTime is Event.Time as nanoseconds since the Unix epoch.
	WallTime int64 `cbor:"8,keyasint,omitzero"`
	// SinceLast is the nanoseconds since the previous event of the same packet.
	SinceLast uint64 `cbor:"9,keyasint,omitzero"`
}

// Frame is one return address of a stack.
type Frame struct {
	Addr uint64 `cbor:"1,keyasint,omitzero"`
	// Symbol is empty where no symbol is known; Offset is from its start.
	Symbol string `cbor:"2,keyasint,omitzero"`
	Module string `cbor:"3,keyasint,omitzero"`
	Offset uint64 `cbor:"4,keyasint,omitzero"`
}

// CString is the bytes of a NUL-terminated kernel string.
func CString(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
