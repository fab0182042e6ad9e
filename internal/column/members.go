// SPDX-License-Identifier: Apache-2.0

package column

// Members is a set of members of an [event.Event] that rarely change from one event to the next,
// because a packet passes through many functions unchanged. Text and JSON copy a cell from the previous
// row if the members that it shows have not changed.
type Members uint8

const (
	// OfSkb is Skb, OfCPU CPU, OfProcess Process.
	OfSkb Members = 1 << iota
	OfCPU
	OfProcess
	// OfMeta is Meta without its length, which is OfLen.
	OfMeta
	OfLen
	// OfTuple is Tuple, OfTunnel Tunnel.
	OfTuple
	OfTunnel
	// OfAll is all of these.
	OfAll Members = 1<<iota - 1
)
