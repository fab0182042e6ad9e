// SPDX-License-Identifier: Apache-2.0

package libpcap

const (
	// mostTerms is how many terms an expression may have. The kernel takes no more hosts.
	mostTerms = 8192
	// mostTogether is how many terms libpcap may compile at once, which takes seconds.
	mostTogether = 256
)

// Fewer is what to do about too many terms.
const Fewer = "networks such as `net 10.0.0.0/24` and `portrange 8000-8100` take the place of many hosts and ports"

const (
	// leastStack is enough for short expressions, with names of many addresses.
	leastStack = 8 << 20
	// stackPerTerm is more than what a term takes of the stack: see TestStackIsEnough.
	stackPerTerm = 64 << 10
)

func stackFor(terms int) int { return leastStack + stackPerTerm*terms }
