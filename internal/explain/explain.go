// SPDX-License-Identifier: Apache-2.0

// Package explain has the causes of dropped packets: for each, where the kernel drops the packet, what it
// reads there or decided before, the condition that these values meet, and the words that tell it to the user.
// The table is data: the reads are expressions of package expr, compiled with the running kernel's types, and
// the conditions are formulas over their values. Everything else (what is captured in the kernel, the texts,
// docs/drops.md, the list of tests) follows from the table.
//
// A wrong cause is worse than none: a cause whose values could not all be read is never chosen, and if two
// causes that exclude each other hold, none is.
package explain

import "tracer/internal/lookup"

// Site is a place where the kernel drops packets. Its values are read when the tracepoint kfree_skb fires. The
// roots of its expressions are skb, sk (the receiving socket, NULL on kernels whose tracepoint does not have
// it, before 6.11), cpu, and the names of [Symbols].
type Site struct {
	Name string
	// Reasons are the drop reasons, without their prefix; empty for any. Kernels without reasons (5.10) have
	// [Unspecified] only.
	Reasons []string
	// Functions are the functions that free the packet, without compiler suffixes, and those that they may be
	// inlined into; empty for any. If the free is the last call of a function without a result, compilers jump
	// there, and the location is in its caller: that must be listed, too.
	Functions []string
	// Module has the types that the reads need, if they are not in vmlinux; several names are separated by spaces.
	Module string
	Reads  []Read
}

// Read is a value that is read in the kernel.
type Read struct {
	Key  string
	Form lookup.Form
	// Where is an expression that is zero if the value does not exist; empty if it always exists.
	Where string
	// Variants are alternative lists of expressions for the values of the form. The first list that compiles
	// on the running kernel is used. If none does, the value is unknown there.
	Variants [][]string
}

// Moment is when the values of a decision are read.
type Moment uint8

const (
	AtReturn Moment = iota
	AtEntry
)

// Decision is a function whose call decides about a packet before it is dropped. Its values are kept per CPU,
// one slot for each decision, and belong to the packet that they were read for. The roots of its expressions
// are the parameters, by name or by [lookup.Aliases], ret at a return, cpu, and the names of [Symbols].
type Decision struct {
	// Name is the prefix of its keys in conditions and texts, as in route.table.
	Name, Family string
	// Functions are variants of the same function: the first that can be probed and has the parameters is used,
	// or all with Every.
	Functions []string
	Every     bool
	// Module has the functions, if they are not in vmlinux; several names are separated by spaces.
	Module string
	// Special is what reads the values, if expressions can't. Its reads have keys only.
	Special string
	// Skb is an expression for the packet. If it is empty, the function has no packet: the slot is that of the
	// packet of the call of one of the functions Within, which is on the stack.
	Skb    string
	Within []string
	At     Moment
	// Keep is a condition, in the language of the reads, for keeping the values; empty to keep always. Clear is
	// one for forgetting earlier ones.
	Keep string
	// Innermost is set if a call keeps its values only if no call within it did for the same packet.
	Innermost bool
	// Counters are per-CPU counters, of which the one that grows during the call is the value moved. If none
	// grows, no value is kept.
	Counters *Counters
	// Denies is set if Keep holds only for a packet that the function refuses and that ends there: at most one
	// such decision, and those that it is inside of, belong to a drop.
	Denies bool
	Inside string
	// Dies is set if the packet ends where Keep holds, but the kernel reports no drop: an event of ours does.
	Dies  bool
	Reads []Read
}

// Counters are an array of u64 per CPU.
type Counters struct {
	// Base is an expression for the array's address, as a pointer per CPU.
	Base  string
	Count int
}

// counters returns the expression for the counters, or "".
func (d *Decision) counters() string {
	if d.Counters == nil {
		return ""
	}
	return d.Counters.Base
}

// Cause explains drops.
type Cause struct {
	// ID is stable: scripts may depend on it.
	ID, Family string
	// Site is the name of a site, Silent that of a decision with Dies; one of them is set.
	Site, Silent string
	// Reasons and Functions narrow those of the site; empty for the same.
	Reasons, Functions []string
	// When is a formula over the keys of the site and of decisions; empty if reason and function suffice.
	When string
	// Refines are causes that this one is a special case of: if both hold, this one is chosen.
	Refines []string
	// Text has {key} for values, all of which must be known, and [[ ]] around parts that are left out if one of
	// their values is not known.
	Text   string
	Remedy string
	// Group is a text for what drops have in common that are counted together, beyond the cause. It may be empty.
	Group string
	// Limits are what kernels can't tell, beyond what the types of a kernel lack, which docs/drops.md lists.
	Limits string
	// Special is what the cause needs beyond reads and a condition, and why. It is empty for a cause that is
	// data alone.
	Special string
	// Benign is set for drops that are normal on a healthy network.
	Benign bool
}

// Test is the name of the test that provokes the cause.
func (c *Cause) Test() string { return "TestWhy/" + c.ID }

// one returns a single variant for each text.
func one(texts []string) [][]string {
	var variants [][]string
	for _, text := range texts {
		variants = append(variants, []string{text})
	}
	return variants
}

// num is a number. Each text is a variant.
func num(key string, texts ...string) Read {
	return Read{Key: key, Form: lookup.Number, Variants: one(texts)}
}

// as is a value with a form; all texts belong to one variant.
func as(form lookup.Form, key string, texts ...string) Read {
	return Read{Key: key, Form: form, Variants: [][]string{texts}}
}

// either is a value with a form. Each text is a variant.
func either(form lookup.Form, key string, texts ...string) Read {
	return Read{Key: key, Form: form, Variants: one(texts)}
}

// Resolvers are keys of texts that user space finds out after the drop. A text has them only between [[ and ]].
var Resolvers = []string{"rule", "listeners", "owner", "top_sources", "queue_fill"}

// where makes a value depend on a condition.
func where(condition string, r Read) Read {
	r.Where = condition
	return r
}
