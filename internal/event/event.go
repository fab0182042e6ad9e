// SPDX-License-Identifier: Apache-2.0

// Package event describes what happened to a packet. All stages after the ring buffer share the type
// [Event]: stream decodes it, enrich adds names, column and sink print it. It can be kept (Clone) and
// stored (Encode, Decode).
package event

// Kind is what an [Event] reports.
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
	// Verdict is the return value of a BPF program whose entry was an event, too.
	Verdict
	// Looked is the return of a function that looked something up, and whose entry was no event.
	Looked
	// Lost marks where events are missing from the stream.
	Lost
	// Summary is the last record of a run: how many events matched, were printed and were lost.
	Summary
)

// String returns the kind as in JSON.
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

// IsReturn reports whether the event is the return of a function.
func (k Kind) IsReturn() bool { return k == Return || k == Looked }

// Event is one record: a core, and sections, which are nil if the event does not have them. Kind determines
// which members are valid.
//
// A source reuses an event, and all memory that it refers to, for the next one. To keep an event, make a
// copy with [Event.Clone].
type Event struct {
	Kind Kind `cbor:"1,keyasint,omitzero"`
	// TailCalled means that a BPF program was entered by a tail call (Program), or ended with one (Verdict):
	// then the verdict is that of another program, which continued.
	TailCalled bool   `cbor:"2,keyasint,omitzero"`
	CPU        uint32 `cbor:"3,keyasint,omitzero"`
	// Time is the kernel's CLOCK_MONOTONIC (bpf_ktime_get_ns) at the hit.
	Time uint64 `cbor:"4,keyasint,omitzero"`
	// Skb is the kernel address of the sk_buff; 0 for an XDP frame, which has none.
	Skb uint64 `cbor:"5,keyasint,omitzero"`
	// Head is the start of the packet's memory (skb->head). An sk_buff that is built from an XDP frame keeps
	// it. It is 0 if it was not recorded.
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
	// Totals are the counts of a Summary.
	Totals *Totals `cbor:"22,keyasint,omitzero"`

	// The following sections are set by enrich, from Raw.

	// BPF is the BPF program that the event is about.
	BPF *BPF `cbor:"23,keyasint,omitzero"`
	// Lookup is what the function looked up.
	Lookup *Lookup `cbor:"24,keyasint,omitzero"`
	// Stack has the innermost function first, without the frames of the probe itself.
	Stack []Frame `cbor:"25,keyasint,omitzero"`
	// SkbDump is the struct sk_buff, SharedInfo its struct skb_shared_info.
	SkbDump    *Value `cbor:"26,keyasint,omitzero"`
	SharedInfo *Value `cbor:"27,keyasint,omitzero"`
	// Values are the values of the user's expressions on the sk_buff, XDPValues those of the expressions on the
	// xdp_buff.
	Values    []NamedValue `cbor:"28,keyasint,omitzero"`
	XDPValues []NamedValue `cbor:"29,keyasint,omitzero"`
	// Why is the cause of a drop; set by explain.
	Why *Why `cbor:"30,keyasint,omitzero"`
	// Bytes has the first bytes of the packet; nil if they were not requested.
	Bytes *Bytes `cbor:"31,keyasint,omitzero"`

	// Raw is only for enrich, and its Versions for sinks. It is neither cloned nor stored.
	Raw Raw `cbor:"-"`
}

// CB is the part of skb->cb that BPF programs can access as __sk_buff->cb.
type CB [5]uint32

// Raw is the part of a record that only has a meaning together with the plan and the traced kernel:
// numbers of the plan, and bytes in the kernel's layout and byte order.
type Raw struct {
	// ID is the index of a tracepoint in the plan, or the id of a BPF program.
	ID uint64
	// Arguments are the lower 32 bits of a function's arguments 2 to 4.
	Arguments [3]uint32
	// Stack are the return addresses, including those of the probe itself.
	Stack []uint64
	// Skb is the struct sk_buff, Shared its struct skb_shared_info.
	Skb, Shared []byte
	// Values has the values of the user's expressions on the sk_buff, XDPValues those of the expressions on the
	// xdp_buff, and Lookup those that describe a look-up. All are in the layout of the plan.
	Values, XDPValues, Lookup []byte
	// Why has the values that explain a drop, in the layout of the plan. Silent means that the packet ended
	// without a drop that the kernel reports.
	Why    []byte
	Silent bool
	// Versions let a sink see that sections have not changed without comparing them.
	Versions Versions
}

// Versions identify the content of sections: those with the same version are equal, in all events of the
// process. 0 means that the version is unknown, as in a clone and a stored event. Only what makes a section
// gives it a version; a stage that changes the section sets its version to 0.
type Versions struct {
	// Meta is the version of Event.Meta without Len.
	Meta uint64
	// Tuple and Tunnel are those of Event.Tuple and Event.Tunnel.
	Tuple, Tunnel uint64
}

// Packet returns a key for the packet: its number if packets are followed, or else the address of the
// sk_buff or of the XDP frame's memory, which another packet may reuse later.
func (e *Event) Packet() uint64 {
	switch {
	case e.Lineage.ID != 0:
		return e.Lineage.ID
	case e.Skb == 0:
		return e.Head
	}
	return e.Skb
}

// Process is the task that ran on the CPU at the hit. In softirq, that is the interrupted task.
type Process struct {
	// PID is the process id (tgid), TID the thread id.
	PID uint32 `cbor:"1,keyasint,omitzero"`
	TID uint32 `cbor:"2,keyasint,omitzero"`
	// Comm is the task's name, at most 15 bytes, NUL-terminated.
	Comm [16]byte `cbor:"3,keyasint,omitzero"`
}

// Meta has members of the sk_buff, its device and its socket.
type Meta struct {
	// Netns is the inode number of the network namespace of skb->dev, or else of skb->sk.
	Netns uint32 `cbor:"1,keyasint,omitzero"`
	// Ifindex is the index of skb->dev, 0 without a device, and Ifname is its name.
	Ifindex uint32   `cbor:"2,keyasint,omitzero"`
	Ifname  [16]byte `cbor:"3,keyasint,omitzero"`
	Mark    uint32   `cbor:"4,keyasint,omitzero"`
	// Len is skb->len in bytes.
	Len uint32 `cbor:"5,keyasint,omitzero"`
	// MTU is that of the route, or else of the device, in bytes.
	MTU uint32 `cbor:"6,keyasint,omitzero"`
	// Protocol is skb->protocol, an Ethertype, in host order.
	Protocol uint16 `cbor:"7,keyasint,omitzero"`
}

// ReasonPrefix is the prefix of the names of drop reasons. Terminal output omits it.
const ReasonPrefix = "SKB_DROP_REASON_"

// Drop is why and where the kernel dropped the packet.
type Drop struct {
	// Dropped is set on the skb:kfree_skb tracepoint.
	Dropped bool `cbor:"1,keyasint,omitzero"`
	// Benign is set for a drop that is normal on a healthy network.
	Benign bool `cbor:"2,keyasint,omitzero"`
	// HasReason is set if the kernel reported a reason (5.17 and newer).
	HasReason bool   `cbor:"3,keyasint,omitzero"`
	Reason    uint32 `cbor:"4,keyasint,omitzero"`
	// Location is the address of the code that dropped the packet; 0 if unknown.
	Location uint64 `cbor:"5,keyasint,omitzero"`
}

// BPF is a BPF program.
type BPF struct {
	ID uint32 `cbor:"1,keyasint,omitzero"`
	// Name may be empty. Tag is the kernel's hash of the program's instructions.
	Name string `cbor:"2,keyasint,omitzero"`
	Tag  string `cbor:"3,keyasint,omitzero"`
	// Kind is the kind of the program, as in the flags; Type is its type in the kernel.
	Kind string `cbor:"4,keyasint,omitzero"`
	Type string `cbor:"5,keyasint,omitzero"`
	// Addr is the address of its code; 0 if unknown.
	Addr uint64 `cbor:"6,keyasint,omitzero"`
}

// Returned is the outcome of a function, for the kinds Return, Looked and Verdict.
type Returned struct {
	// Value is the whole register of the return value. The function's type determines which bits are valid.
	Value uint64 `cbor:"1,keyasint,omitzero"`
	// Duration is the time since the function's entry, in nanoseconds.
	Duration uint64 `cbor:"2,keyasint,omitzero"`
}

// ResultClass is the class of a function's result type.
type ResultClass uint8

const (
	// NoResult means that the function returns nothing, or that its type is unknown.
	NoResult ResultClass = iota
	// SignedResult and UnsignedResult are numbers, PointerResult is an address.
	SignedResult
	UnsignedResult
	PointerResult
)

// Result is Returned.Value, interpreted by the function's type.
type Result struct {
	Class ResultClass `cbor:"1,keyasint,omitzero"`
	Value uint64      `cbor:"2,keyasint,omitzero"`
	// Name is the name of the value, such as NF_DROP or ENOENT; empty if it has none.
	Name string `cbor:"3,keyasint,omitzero"`
}

// Loss is a number of events that matched and could not be delivered.
type Loss struct {
	Cause LossCause `cbor:"1,keyasint,omitzero"`
	Count uint64    `cbor:"2,keyasint,omitzero"`
}

// LossCause is the reason why events were lost.
type LossCause uint8

const (
	// RingFull means that the ring buffer was full.
	RingFull LossCause = iota
	// LossCauses is the number of causes.
	LossCauses
)

// String returns the cause as in text output.
func (c LossCause) String() string {
	if c == RingFull {
		return "ring buffer full"
	}
	return "unknown cause"
}

// Key returns the cause as in JSON.
func (c LossCause) Key() string {
	if c == RingFull {
		return "ring_buffer_full"
	}
	return "unknown"
}

// Totals are the counts of a run.
type Totals struct {
	// Matched is the number of events that matched in the kernel: Printed plus Suppressed plus the sum of Lost.
	Matched uint64 `cbor:"1,keyasint,omitzero"`
	Printed uint64 `cbor:"2,keyasint,omitzero"`
	// Suppressed counts events that were not printed because of a limit on lines, packets, events per packet
	// or events per second.
	Suppressed uint64 `cbor:"3,keyasint,omitzero"`
	// Packets counts the distinct packets among the printed events, or the distinct sk_buffs if packets
	// are not followed.
	Packets uint64 `cbor:"4,keyasint,omitzero"`
	// Dropped counts the printed drops that are not benign. DropReasons counts them by reason, the most
	// frequent first; drops that the kernel does not report have no reason, and are not counted there.
	Dropped     uint64        `cbor:"5,keyasint,omitzero"`
	DropReasons []ReasonCount `cbor:"6,keyasint,omitzero"`
	// BenignReasons counts the printed benign drops by reason, and HiddenReasons the drops that were
	// hidden (--drop-hide-benign).
	BenignReasons []ReasonCount      `cbor:"7,keyasint,omitzero"`
	HiddenReasons []ReasonCount      `cbor:"8,keyasint,omitzero"`
	Lost          [LossCauses]uint64 `cbor:"9,keyasint,omitzero"`
	// Evicted counts followed sk_buffs that were evicted from the table before they were freed, because
	// too many were followed.
	Evicted uint64 `cbor:"10,keyasint,omitzero"`
	// Unreturned counts printed function calls whose return was not seen.
	Unreturned uint64 `cbor:"11,keyasint,omitzero"`
	// WithoutNetns and WithoutIfname count events that passed all other filters and were rejected
	// because the packet's network namespace, or its interface, was unknown.
	WithoutNetns  uint64 `cbor:"12,keyasint,omitzero"`
	WithoutIfname uint64 `cbor:"13,keyasint,omitzero"`
	// Headless counts dropped fragments without a transport header that the filter did not
	// match.
	Headless uint64 `cbor:"14,keyasint,omitzero"`
	// Missed counts hits for which the kernel did not run a program (recursion).
	// It is unknown whether they would have matched.
	Missed uint64 `cbor:"15,keyasint,omitzero"`
	// Unseen lists what a run without events did not cover; empty if there were events.
	Unseen []Unseen `cbor:"16,keyasint,omitzero"`
	// Duration is the duration of the trace, in nanoseconds.
	Duration uint64 `cbor:"17,keyasint,omitzero"`
	// Causes counts the same drops as Dropped by cause, the most frequent first. It is empty if no drop has a
	// section Why, because the causes were not looked for.
	Causes []CauseCount `cbor:"18,keyasint,omitzero"`
}

// ReasonCount counts the drops for a reason. Name is empty if the kernel has no reasons (before
// 5.17).
type ReasonCount struct {
	Name  string `cbor:"1,keyasint,omitzero"`
	Count uint64 `cbor:"2,keyasint,omitzero"`
}

// Names are the names for an event's numbers.
type Names struct {
	// Func is the function or tracepoint.
	Func string `cbor:"1,keyasint,omitzero"`
	// Module is the kernel module that contains Func; empty for vmlinux.
	Module string `cbor:"2,keyasint,omitzero"`
	// Result is what the function or the BPF program returned.
	Result Result `cbor:"3,keyasint,omitzero"`
	// Reason is the drop reason's name, as in SKB_DROP_REASON_NO_SOCKET, or its number.
	Reason string `cbor:"4,keyasint,omitzero"`
	// Location is Drop.Location as symbol+0xoffset.
	Location string `cbor:"5,keyasint,omitzero"`
	// Netns is the name of the network namespace; empty if it has none.
	Netns string `cbor:"6,keyasint,omitzero"`
	// Caller is the return address of the function, as symbol+0xoffset.
	Caller string `cbor:"7,keyasint,omitzero"`
	// WallTime is Event.Time in nanoseconds since the Unix epoch.
	WallTime int64 `cbor:"8,keyasint,omitzero"`
	// SinceLast is the time since the previous event of the same packet, in nanoseconds.
	SinceLast uint64 `cbor:"9,keyasint,omitzero"`
}

// Frame is one return address of a stack.
type Frame struct {
	Addr uint64 `cbor:"1,keyasint,omitzero"`
	// Symbol is empty if it is unknown. Offset is the distance of Addr from its start, in bytes.
	Symbol string `cbor:"2,keyasint,omitzero"`
	Module string `cbor:"3,keyasint,omitzero"`
	Offset uint64 `cbor:"4,keyasint,omitzero"`
}

// CString returns the bytes of a NUL-terminated kernel string, without the NUL.
func CString(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
