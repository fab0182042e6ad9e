// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// addEndpoints sets which arguments of the traced functions are a network namespace or a socket.
// The programs use them if the sk_buff has no device or socket.
func (p *Plan) addEndpoints() {
	p.BPF.Endpoints = map[uint64]bpf.EndpointArguments{}
	for _, f := range p.Functions {
		if f.SkbArg != 0 && f.SocketArg+f.NetArg != 0 {
			p.BPF.Endpoints[f.Addr] = bpf.EndpointArguments{Net: uint8(f.NetArg), Sk: uint8(f.SocketArg)}
		}
	}
}

// arrivals is the tracepoint that is hit by every packet that a device receives.
const arrivals = "netif_receive_skb"

// crossing is the function that is called for every packet that moves to another network namespace
// (net/core/skbuff.c).
const crossing = "skb_scrub_packet"

// seesCrossings reports whether the trace sees each move of a followed packet to another network
// namespace. Between two moves, the packet is in the namespace of the device where it was last seen.
func (p *Plan) seesCrossings(ranges []kernel.FuncRange) bool {
	if !p.TracesFunctions() {
		return slices.ContainsFunc(p.Tracepoints, func(t Tracepoint) bool { return t.Name == arrivals })
	}
	return p.performed(crossing, ranges)
}
