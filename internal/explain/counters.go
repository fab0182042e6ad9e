// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// Counters are an array of counters (unsigned long) per CPU. They are copied at the entry of a function, and compared
// when the packet is dropped: the one that grew by one on this CPU is the value moved. If none did, or more than one,
// the decision has no values.
type Counters struct {
	// Base is an expression for the array, a pointer to the per-CPU struct with this name.
	Base, Struct string
	// Number is how many of them are compared, from the first; 0 for all.
	Number int
	// Rewrites is set if the packet may have other memory or headers when it is dropped. Then its address alone
	// identifies it.
	Rewrites bool
}

// base returns the expression for the array, or "".
func (d *Decision) base() string {
	if d.Counters == nil {
		return ""
	}
	return d.Counters.Base
}

// movedKey is the key of the first value of a decision with counters.
const movedKey = "moved"

// moved is the name of the counter that grew. The kernel half replaces the constant by the counter's number.
func moved(names map[uint64]string) Read { return either(lookup.Named(names), movedKey, "0") }
