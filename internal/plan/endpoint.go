// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// addEndpoints tells the programs which arguments of the functions say where a packet is whose
// sk_buff does not: a network namespace, and a socket.
func (p *Plan) addEndpoints() {
	p.BPF.Endpoints = map[uint64]bpf.EndpointArguments{}
	for _, f := range p.Functions {
		if f.SkbArg != 0 && f.SocketArg+f.NetArg != 0 {
			p.BPF.Endpoints[f.Addr] = bpf.EndpointArguments{Net: uint8(f.NetArg), Sk: uint8(f.SocketArg)}
		}
	}
}

// arrivals is the tracepoint that each packet passes that arrives at a device.
const arrivals = "netif_receive_skb"

// crossing is the function in which a packet leaves a network namespace for another one.
const crossing = "skb_scrub_packet"

// seesCrossings says whether a followed packet is still at the device that it was last seen at, as
// long as it is not seen elsewhere.
func (p *Plan) seesCrossings(places []kernel.Place) bool {
	if p.Backend == kernel.TracepointBackend {
		return slices.ContainsFunc(p.Tracepoints, func(t Tracepoint) bool { return t.Name == arrivals })
	}
	return p.plays(crossing, places)
}
