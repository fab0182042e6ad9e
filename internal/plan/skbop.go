// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// skbOp is an operation on followed packets, and the functions that perform it.
type skbOp struct {
	functions []string
	kind      bpf.SkbOpKind
	// packet and operand are the positions of arguments, from 1, or 0 for none: the packet, and the second
	// operand. shown is the position of the packet that an event of the function shows.
	packet, operand, shown uint8
	// origin is how the packet is created; 0 if that depends on the caller.
	origin bpf.Origin
	// lost is what can't be followed on a kernel that has none of the functions; empty
	// if other functions do the same, or if the operation is optional.
	lost string
	// xdp is true if the operation is needed only while XDP programs are traced. unless is a function that
	// performs it instead, on kernels that have this function.
	xdp    bool
	unless string
}

// genericXDP runs an XDP program on an sk_buff.
const genericXDP = "bpf_prog_run_generic_xdp"

// skbOps are the operations through which packets are followed, and their functions in kernels since 5.8. The
// functions are in net/core/skbuff.c unless a comment names another file.
var skbOps = []skbOp{
	{
		functions: []string{"__copy_skb_header"},
		kind:      bpf.OpCopy, packet: 1, operand: 2, shown: 2,
		lost: "copies and segments",
	},
	{
		functions: []string{"skb_copy_header"},
		kind:      bpf.OpCopy, packet: 1, operand: 2, shown: 2, origin: bpf.OriginCopy,
	},
	{
		functions: []string{"__skb_clone", "skb_morph"},
		kind:      bpf.OpCopy, packet: 1, operand: 2, shown: 2, origin: bpf.OriginClone,
	},
	{
		// net/ipv4/ip_output.c, net/ipv6/ip6_output.c
		functions: []string{"ip_copy_metadata", "ip6_copy_metadata"},
		kind:      bpf.OpSplit, packet: 1, operand: 2, shown: 2, origin: bpf.OriginFragment,
		lost: "fragments",
	},
	{
		// net/core/gro.c, net/ipv4/udp_offload.c
		functions: []string{"skb_gro_receive", "skb_gro_receive_list"},
		kind:      bpf.OpMerge, packet: 2, operand: 1, shown: 2,
		lost: "packets merged by GRO",
	},
	{
		// net/ipv4/inet_fragment.c
		functions: []string{"inet_frag_queue_insert"},
		kind:      bpf.OpQueue, packet: 2, operand: 1, shown: 2,
		lost: "reassembled fragments",
	},
	{functions: []string{"inet_frag_reasm_finish"}, kind: bpf.OpReassemble, packet: 2, operand: 1, shown: 2},
	{functions: []string{"inet_frag_destroy"}, kind: bpf.OpDropQueue, operand: 1},
	{
		// net/ipv4/ip_tunnel_core.c
		functions: []string{"__iptunnel_pull_header"},
		kind:      bpf.OpTunnel, packet: 1, shown: 1, origin: bpf.OriginInner,
	},
	{
		functions: []string{"iptunnel_handle_offloads"},
		kind:      bpf.OpTunnel, packet: 1, shown: 1, origin: bpf.OriginOuter,
	},
	{
		// net/ipv4/esp4.c, net/ipv6/esp6.c
		functions: []string{"esp_input_done2", "esp6_input_done2"},
		kind:      bpf.OpTunnel, packet: 1, shown: 1, origin: bpf.OriginInner,
	},
	{
		// net/xfrm/xfrm_output.c
		functions: []string{"xfrm_output"},
		kind:      bpf.OpTunnel, packet: 2, shown: 2, origin: bpf.OriginOuter,
	},
	{functions: []string{crossing}, kind: bpf.OpLeaveDevice, packet: 1, shown: 1},
	{functions: []string{"pskb_expand_head"}, kind: bpf.OpReplaceHead, packet: 1, shown: 1, lost: "packets whose data are reallocated"},
	{functions: []string{"consume_skb"}, kind: bpf.OpXDPLend, packet: 1, shown: 1},
	{
		// net/core/filter.c, drivers/net/veth.c
		functions: []string{"xdp_do_redirect", "veth_xdp_tx"},
		kind:      bpf.OpXDPTake, operand: 2,
	},
	{
		// net/core/xdp.c
		functions: []string{"xdp_return_frame", "xdp_return_frame_rx_napi", "xdp_return_frame_bulk"},
		kind:      bpf.OpXDPFree, operand: 1,
	},
	{functions: []string{"xdp_return_buff"}, kind: bpf.OpXDPReturn, operand: 1, xdp: true},
	{
		// net/core/dev.c; until 5.15 it is a part of do_xdp_generic.
		functions: []string{genericXDP},
		kind:      bpf.OpXDPLendSkb, packet: 1, shown: 1, xdp: true,
	},
	{functions: []string{"do_xdp_generic"}, kind: bpf.OpXDPLendSkb, packet: 2, shown: 2, xdp: true, unless: genericXDP},
	{functions: []string{"skb_release_head_state"}, kind: bpf.OpBeginFree, packet: 1, shown: 1},
	{functions: []string{"skb_release_data"}, kind: bpf.OpReleaseData, packet: 1, shown: 1, lost: "the end of a packet"},
	{functions: []string{"skb_free_head"}, kind: bpf.OpFreeData, packet: 1, shown: 1},
	{functions: []string{"napi_skb_free_stolen_head"}, kind: bpf.OpEnd, packet: 1, shown: 1},
	{
		// net/core/gro.c
		functions: []string{"napi_reuse_skb"},
		kind:      bpf.OpEnd, packet: 2, shown: 2,
	},
	{functions: []string{"kfree_skb_partial"}, kind: bpf.OpStealData, packet: 1, operand: 2, shown: 1},
	{functions: []string{"kfree_skbmem", "napi_skb_cache_put"}, kind: bpf.OpFree, packet: 1, shown: 1},
}

// copier is a group of functions that call the copying functions in [skbOps], and the origin of the copies.
type copier struct {
	functions []string
	origin    bpf.Origin
}

// copiers give the origin of a copy by its caller, since a copying function has callers for several purposes.
// The origin is OriginSame if the caller only replaces the data of an sk_buff, or if it performs an operation
// itself.
var copiers = []copier{
	{[]string{"__skb_clone", "skb_clone", "skb_morph"}, bpf.OriginClone},
	{[]string{"skb_copy_header"}, bpf.OriginSame},
	{[]string{"skb_segment", "skb_segment_list"}, bpf.OriginSegment},
	{[]string{"pskb_expand_head"}, bpf.OriginSame},
	// drivers/net/veth.c: the compiler may inline one into another.
	{[]string{"veth_xdp_rcv_skb", "veth_xdp_rcv", "veth_poll"}, bpf.OriginXDP},
}

// forBPF converts the operation for the BPF programs. f is the function if it is traced, and nil otherwise.
func (op skbOp) forBPF(f *kernel.Function) bpf.SkbOp {
	r := bpf.SkbOp{Kind: uint8(op.kind), Origin: uint8(op.origin), Skb: op.packet, Operand: op.operand}
	if f != nil {
		r.Shown, r.Reason = op.shown, uint8(f.ReasonArg)
	}
	return r
}

// skbOpOf returns the operation that a function performs, or nil.
func skbOpOf(name string) *skbOp {
	i := slices.IndexFunc(skbOps, func(op skbOp) bool { return slices.Contains(op.functions, name) })
	if i < 0 {
		return nil
	}
	return &skbOps[i]
}

// FollowedThrough returns the names of all functions whose addresses are needed to follow packets.
func FollowedThrough() []string {
	names := slices.Clone(allocators)
	for _, op := range skbOps {
		names = append(names, op.functions...)
	}
	for _, c := range copiers {
		names = append(names, c.functions...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
