// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// benignReason is a drop reason that can be normal on a healthy network, and when it is.
type benignReason struct {
	name string
	kind bpf.BenignKind
}

// benign are all of them. A reason that can also be the trace of a fault is not among them
// unless the packet itself tells, and so NOT_SPECIFIED is not.
var benign = []benignReason{
	// Seen because the device is promiscuous or a bridge floods. A frame with the device's own
	// address (a VLAN tag without a device), or one that nothing but its address led here, is a fault.
	{"OTHERHOST", bpf.BenignForeign},
	// The usual ping: a raw socket received a clone, and no other socket waits for the reply.
	// DHCP clients have packet sockets.
	{"NO_SOCKET", bpf.BenignCloned},
	// A question to all hosts of a multicast group about the address of one other.
	{"IPV6_NDISC_NS_OTHERHOST", bpf.BenignAlways},
	// Retransmitted although it had arrived: late or lost acknowledgements.
	{"TCP_OLD_DATA", bpf.BenignAlways},
	// Old by its sequence number; keepalives are so on purpose.
	{"TCP_OLD_SEQUENCE", bpf.BenignAlways},
	// Retransmitted although it waits in the out-of-order queue.
	{"TCP_OFOMERGE", bpf.BenignAlways},
	// From the out-of-order queue, once a retransmission had brought the same bytes.
	{"TCP_OFO_DROP", bpf.BenignAlways},
}

// noReasonsToHide is for kernels on which --drop-hide-benign hides nothing.
const noReasonsToHide = "--drop-hide-benign hides nothing: this kernel has no drop reasons (Linux 5.17)"

func benignNames() []string {
	var names []string
	for _, b := range benign {
		names = append(names, b.name)
	}
	return names
}

// benignNumbers are the numbers of the benign reasons that this kernel has.
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

// listFreers free a list of sk_buffs, or one: net/core/skbuff.c. On some kernels the location of
// a drop is in these.
var listFreers = []string{"kfree_skb_list", "kfree_skb_list_reason", "kfree_skb", "kfree_skb_reason"}

// locateParts tells the programs where the members of a frag_list are freed.
func locateParts(c *bpf.Config, symbols *kernel.Symbols) {
	code := symbols.Code(append(listFreers, releaseData)...)
	c.ReleaseData.Begin, c.ReleaseData.Size = code[releaseData].Begin, code[releaseData].End-code[releaseData].Begin
	for i, name := range listFreers {
		c.ListFreers[i].Begin, c.ListFreers[i].Size = code[name].Begin, code[name].End-code[name].Begin
	}
}

// locateHooks tells the programs by what drops of netfilter are known.
func locateHooks(c *bpf.Config, facts *kernel.Facts) {
	slow := facts.Symbols.Code(hookSlow)[hookSlow]
	c.HookSlow.Begin, c.HookSlow.Size = slow.Begin, slow.End-slow.Begin
	c.NetfilterDrop, _ = reasonNamed("NETFILTER_DROP", facts.Reasons)
}

// addDrops plans what drops are.
func (p *Plan) addDrops(facts *kernel.Facts) error {
	c := &p.BPF.Config
	c.RawSocketsIpv4, c.RawSocketsIpv6 = facts.RawSockets.IPv4, facts.RawSockets.IPv6
	c.HideParts, c.HideBenign = p.Asked.Drop.Only, p.Asked.Drop.HideBenign
	p.BPF.Benign = benignNumbers(facts.Reasons)
	locateParts(c, facts.Symbols)
	locateHooks(c, facts)
	if p.Asked.Drop.HideBenign && len(facts.Reasons) == 0 {
		p.Notes = append(p.Notes, noReasonsToHide)
	}
	return p.Asked.Drop.configure(c, facts.Reasons)
}
