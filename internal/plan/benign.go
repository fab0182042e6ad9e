// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// benignReason is a drop reason that can be benign, and the condition under which it is.
type benignReason struct {
	name string
	kind bpf.BenignKind
}

// benign lists all reasons that can be benign. A reason that can also mean a fault is in the list
// only if the packet itself shows which it is, so NOT_SPECIFIED is not.
var benign = []benignReason{
	// Seen because the device is promiscuous or a bridge floods. A frame with the device's own
	// address (a VLAN tag without a device), or with a wrong address on a plain device, is a fault.
	{"OTHERHOST", bpf.BenignForeign},
	// The usual ping: a raw socket received a clone, and no other socket waits for the reply.
	// DHCP clients have packet sockets.
	{"NO_SOCKET", bpf.BenignCloned},
	// A neighbour solicitation for another host's address, sent to a multicast group.
	{"IPV6_NDISC_NS_OTHERHOST", bpf.BenignAlways},
	// Retransmitted although it had arrived: late or lost acknowledgements.
	{"TCP_OLD_DATA", bpf.BenignAlways},
	// The sequence number is old. Keepalives use an old one on purpose.
	{"TCP_OLD_SEQUENCE", bpf.BenignAlways},
	// Retransmitted although it waits in the out-of-order queue.
	{"TCP_OFOMERGE", bpf.BenignAlways},
	// A packet in the out-of-order queue, after a retransmission delivered the same bytes.
	{"TCP_OFO_DROP", bpf.BenignAlways},
}

// noReasonsToHide is the note for kernels on which --drop-hide-benign hides nothing.
const noReasonsToHide = "--drop-hide-benign hides nothing: this kernel has no drop reasons (Linux 5.17)"

func benignNames() []string {
	var names []string
	for _, b := range benign {
		names = append(names, b.name)
	}
	return names
}

// benignNumbers returns the numbers of the benign reasons that this kernel has.
func benignNumbers(known map[uint32]string) map[uint32]bpf.BenignKind {
	numbers := map[uint32]bpf.BenignKind{}
	for _, b := range benign {
		for number, name := range known {
			if name == reasonPrefix+b.name {
				numbers[number] = b.kind
			}
		}
	}
	return numbers
}

const releaseData = "skb_release_data"

// listFreers are the functions of net/core/skbuff.c that free a list of sk_buffs, or one. Up to 6.1,
// the drop tracepoint reports an address in them as the location, whatever called them.
var listFreers = []string{"kfree_skb_list", "kfree_skb_list_reason", "kfree_skb", "kfree_skb_reason"}

// splitKfreeSkb is the part of kfree_skb that has the drop tracepoint, if the compiler has split it.
const splitKfreeSkb = "kfree_skb.part.0"

// setRange writes the address range of a function to a code_range of the settings. The zero value means
// that the function was not found.
func setRange(begin, size *uint64, code kernel.CodeRange) {
	*begin, *size = code.Begin, code.End-code.Begin
}

// locateParts sets the code ranges in which the members of a frag_list are freed, and the range of
// kfree_skb if an address in it must not be reported as the location of a drop.
func locateParts(c *bpf.Config, symbols *kernel.Symbols) {
	code := symbols.Code(append(listFreers, releaseData)...)
	setRange(&c.ReleaseData.Begin, &c.ReleaseData.Size, code[releaseData])
	for i, name := range listFreers {
		setRange(&c.ListFreers[i].Begin, &c.ListFreers[i].Size, code[name])
	}
	if symbols != nil && len(symbols.Addresses(splitKfreeSkb, "")) > 0 {
		setRange(&c.SplitKfreeSkb.Begin, &c.SplitKfreeSkb.Size, code["kfree_skb"])
	}
}

// locateHooks sets what identifies drops by netfilter: the drop reason, or nf_hook_slow on
// kernels without reasons.
func locateHooks(c *bpf.Config, facts *kernel.Facts) {
	setRange(&c.HookSlow.Begin, &c.HookSlow.Size, facts.Symbols.Code(hookSlow)[hookSlow])
	c.NetfilterDrop, _ = reasonNamed("NETFILTER_DROP", facts.Reasons)
}

// addDrops configures which drops are benign, which are only parts of a packet (members of a
// frag_list), and which reasons are wanted.
func (p *Plan) addDrops(facts *kernel.Facts) error {
	c := &p.BPF.Config
	c.RawSocketsIpv4, c.RawSocketsIpv6 = facts.RawSockets.IPv4, facts.RawSockets.IPv6
	c.HideParts = p.Asked.Drop.Only
	p.BPF.Benign = benignNumbers(facts.Reasons)
	locateParts(c, facts.Symbols)
	locateHooks(c, facts)
	if c.HideBenign && len(facts.Reasons) == 0 {
		p.Notes = append(p.Notes, noReasonsToHide)
	}
	return p.Asked.Drop.configure(c, facts.Reasons)
}
