// SPDX-License-Identifier: Apache-2.0

package column

// Members is a set of members of an [event.Event]. They rarely change from one event to the next, since a
// packet passes through many functions unchanged. Text and JSON copy a cell from the previous row if its
// members have not changed.
type Members uint8

const (
	// OfSkb, OfCPU and OfProcess are the members Skb, CPU and Process.
	OfSkb Members = 1 << iota
	OfCPU
	OfProcess
	// OfMeta is the member Meta without Len, which is OfLen.
	OfMeta
	OfLen
	// OfTuple and OfTunnel are the members Tuple and Tunnel.
	OfTuple
	OfTunnel
	// OfAll is all of these.
	OfAll Members = 1<<iota - 1
)
