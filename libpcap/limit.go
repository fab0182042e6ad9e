// SPDX-License-Identifier: Apache-2.0

package libpcap

const (
	// mostTerms is the maximum number of terms of an expression. It is above the limit of the
	// verifier, which is 5,000 hosts on Linux 6.18.
	mostTerms = 8192
	// mostTogether is the maximum number of terms of a piece. libpcap takes seconds to compile
	// that many.
	mostTogether = 256
)

// Fewer is the advice of a [SyntaxError] about too many terms.
const Fewer = "networks such as `net 10.0.0.0/24` and `portrange 8000-8100` take the place of many hosts and ports"

const (
	// leastStack is the minimum size of the stack in bytes. It is enough for host names with many
	// addresses.
	leastStack = 8 << 20
	// stackPerTerm is the additional stack for each term in bytes. It is more than libpcap uses:
	// see TestStackIsEnough.
	stackPerTerm = 64 << 10
)

func stackFor(terms int) int { return leastStack + stackPerTerm*terms }
