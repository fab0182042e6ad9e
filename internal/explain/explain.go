// SPDX-License-Identifier: Apache-2.0

// Package explain has a table of the causes of drops: for each cause, where the kernel drops the packet, which values
// are read there or at earlier decisions, the condition on these values, and a text and a remedy for the user. The table
// is data: reads are expressions of package expr, compiled with the running kernel's types, and conditions are formulas
// over their values. Everything else (what the BPF programs record, docs/drops.md) follows from the table.
//
// A wrong cause is worse than none: a cause whose values could not all be read is never chosen, and if two
// causes that exclude each other hold, none is chosen.
package explain

// Site is a place where the kernel drops packets. Its values are read when the tracepoint kfree_skb fires. The
// roots of its expressions are skb, sk (the receiving socket; NULL before 6.11, where the tracepoint does not have it),
// cpu, and the names of [Symbols].
type Site struct {
	Name string
	// Reasons are the drop reasons, without their prefix; empty for any. Kernels without reasons (5.10) have
	// [Unspecified] only.
	Reasons []string
	// Functions are the functions that free the packet, without compiler suffixes, and the functions into which
	// they may be inlined; empty for any. If a function ends with a tail call to the function that frees the packet, the
	// location is in its caller, which must be listed, too.
	Functions []string
	// Module names the modules, separated by spaces, whose BTF the reads need besides that of vmlinux.
	Module string
	Reads  []Read
}

// Moment is when the values of a decision are read.
type Moment uint8

const (
	AtReturn Moment = iota
	AtEntry
)

// Decision is a function that decides about a packet before it is dropped. Its values are kept per CPU, one slot for
// each decision, together with the packet for which they were read. The roots of its expressions are the parameters, by
// name or by [lookup.Aliases], ret at a return, cpu, and the names of [Symbols].
type Decision struct {
	// Name is the prefix of its keys in conditions and texts, as in way.table.
	Name, Family string
	// Functions are alternatives: the first that can be probed and has the parameters of the expressions is used. With
	// Every, all of them are.
	Functions []string
	Every     bool
	// Module names the modules, separated by spaces, that have the functions if vmlinux does not.
	Module string
	// Special describes how the values are read if expressions cannot read them; then Reads have keys only.
	Special string
	// Skb is an expression for the packet. If it is empty, the packet is that of the innermost active call of one of the
	// functions Within.
	Skb    string
	Within []string
	At     Moment
	// Keep is an expression; the values are kept if it is not zero. Empty keeps them always.
	Keep string
	// Innermost is set if a call does not replace the values of calls inside it for the same packet.
	Innermost bool
	// Counters are compared at the drop with what they were at the entry; nil if none are. At is [AtEntry] then.
	Counters *Counters
	// Denies is set if Keep holds only for packets that the function refuses, so that they end. A drop has at most one
	// such decision, and the decisions around it.
	Denies bool
	// Inside is the name of the decision whose call contains the calls of this one.
	Inside string
	// AtDrop is set if the sites of the causes read the same values with the same keys where the drop tracepoint names the
	// socket (6.11). The function is not probed there.
	AtDrop bool
	// Dies is set if the packet ends when Keep holds, and with Counters only if one of them grew, although the kernel reports
	// no drop; tracer emits the drop.
	Dies  bool
	Reads []Read
	// NotOn are kernels on which the values are not known.
	NotOn []Exception
}

// Exception says which kernels cannot tell a cause, although their types have all that it needs, and why. docs/drops.md
// has all exceptions, and the tests accept an unknown cause only where that page says so.
type Exception struct {
	// Kernels are series, with an architecture if the others are different, as docs/drops.md names them: 5.10, 6.12 arm64.
	Kernels []string
	// Why is the reason, from the source of these kernels.
	Why string
}

// Cause explains drops.
type Cause struct {
	// ID is stable: scripts may depend on it.
	ID, Family string
	// Site is the name of a site, Silent the name of a decision with Dies. Exactly one of them is set, and none in a note.
	Site, Silent string
	// Note is set for a fact that is added to the text of any cause, and is none of its own.
	Note bool
	// Reasons and Functions narrow those of the site; empty for the same.
	Reasons, Functions []string
	// When is a formula over the keys of the site and of decisions; empty if reason and function suffice.
	When string
	// Refines are more general causes: if both hold, this one is chosen.
	Refines []string
	// Text has {key} for values, all of which must be known, except in optional parts, in [[ ]], which are left out if
	// one of their values is unknown. [[if FORMULA: ]] is also left out unless the formula is true.
	Text string
	// Remedy says what to do: commands in backquotes, see [InNetns], or facts. It has {key} for values; unknown ones become a
	// word in capital letters.
	Remedy string
	// Netns is the key of the inode number of the network namespace in which the commands must run, if that is not the
	// packet's.
	Netns string
	// Group separates drops of the same cause in the counts by cause, such as those of different rules. It may be empty.
	Group string
	// NotOn are kernels on which the cause is unknown, except those that lack types, reasons or functions, which
	// docs/drops.md finds out.
	NotOn []Exception
	// Limits are the cases in which the cause is unknown or less exact, on all kernels that can tell it.
	Limits string
	// Special describes what the cause needs beyond reads and a condition. It is empty for a cause that is data alone.
	Special string
	// Benign is set for drops that are normal on a healthy network.
	Benign bool
	// Untold is why the cause is in the table, but can't be told. It is empty for all others.
	Untold string
}
