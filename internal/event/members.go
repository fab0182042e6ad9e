// SPDX-License-Identifier: Apache-2.0

package event

// Members is a set of members of an [Event]: those that mostly stay what they were from one
// event to the next, as a packet goes from function to function.
type Members uint8

const (
	// OfSkb is Skb, OfCPU CPU, OfProcess Process.
	OfSkb Members = 1 << iota
	OfCPU
	OfProcess
	// OfMeta is Meta but for its length, which is OfLen.
	OfMeta
	OfLen
	// OfTuple is Tuple, OfTunnel Tunnel.
	OfTuple
	OfTunnel
	// OfAll is all of these.
	OfAll Members = 1<<iota - 1
)
