// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"

	"tracer/internal/lookup"
)

// Expressions that several families use.
const (
	ip4Header = "((struct iphdr *)(skb->head + skb->network_header))"
	ip6Header = "((struct ipv6hdr *)(skb->head + skb->network_header))"
	tcpHeader = "((struct tcphdr *)(skb->head + skb->transport_header))"
	macHeader = "((struct ethhdr *)(skb->head + skb->mac_header))"
	shared    = "((struct skb_shared_info *)(skb->head + skb->end))"
	route4    = "((struct rtable *)(skb->_skb_refdst & ~1ul))"
	dst       = "((struct dst_entry *)(skb->_skb_refdst & ~1ul))"
	// metrics is the array of a route's metrics; the lowest two bits of the pointer are flags.
	metrics = "((u32 *)(" + dst + "->_metrics & ~3ul))"
	// isIPv4 and isIPv6 are conditions for reads of the header.
	isIPv4 = "skb->protocol == htons(0x0800)"
	isIPv6 = "skb->protocol == htons(0x86dd)"
)

// getsError and getsError6 are conditions under which the kernel may send an ICMP error for a packet (__icmp_send, icmp6_send):
// it sends none for a broadcast or multicast (PACKET_HOST is 0; RTCF_BROADCAST, RTCF_MULTICAST), for a later fragment, and for
// an ICMP error. For IPv6 they hold only if what follows the header shows that it is no error.
const (
	getsError = "skb->pkt_type == 0 && !(" + route4 + "->rt_flags & 0x30000000) && !(ntohs(" + ip4Header + "->frag_off) & 0x1fff) && " +
		"(" + ip4Header + "->protocol != 1 || " + icmpType + " <= 18 && " + icmpType + " != 3 && " + icmpType + " != 4 && " + icmpType + " != 5 && " + icmpType + " != 11 && " + icmpType + " != 12)"
	icmpType   = "*(u8 *)(skb->head + skb->network_header + " + ip4Header + "->ihl * 4)"
	getsError6 = "skb->pkt_type == 0 && " + unicastEnds6 + " && (" + ip6Header + "->nexthdr == 6 || " + ip6Header + "->nexthdr == 17 || " +
		ip6Header + "->nexthdr == 58 && *(u8 *)(skb->head + skb->network_header + 40) & 128)"
	// unicastEnds6 holds if neither address is multicast, and the source is not ::.
	unicastEnds6 = "*(u8 *)(skb->head + skb->network_header + 8) != 255 && *(u8 *)(skb->head + skb->network_header + 24) != 255 && " +
		"(*(u64 *)(skb->head + skb->network_header + 8) != 0 || *(u64 *)(skb->head + skb->network_header + 16) != 0)"
)

// The numbers of a device's IPv4 settings (IPV4_DEVCONF_*, uapi/linux/ip.h), which are part of the kernel's ABI.
const (
	forwardingSetting    = 1
	mcForwardingSetting  = 2
	rpFilterSetting      = 8
	sourceRouteSetting   = 9
	logMartiansSetting   = 11
	acceptLocalSetting   = 23
	routeLocalnetSetting = 26
)

// setting returns an expression for an IPv4 setting of a device, settingOfAll for that of conf/all in its network namespace.
func setting(dev string, number int) string {
	return fmt.Sprintf("%s->ip_ptr->cnf.data[%d]", dev, number-1)
}

func settingOfAll(dev string, number int) string {
	return fmt.Sprintf("%s->nd_net.net->ipv4.devconf_all->data[%d]", dev, number-1)
}

// device is the packet's device. It must not be read in TCP and UDP, which clear skb->dev or use its memory for other
// members of the union (dev_scratch, rbnode).
var device = as(lookup.String, "dev", "skb->dev->name")

// ends4 and ends6 are the addresses in the IPv4 and the IPv6 header.
var (
	ends4 = []Read{as(lookup.IPv4, "src", ip4Header+"->saddr"), as(lookup.IPv4, "dst", ip4Header+"->daddr")}
	ends6 = []Read{as(lookup.IPv6, "src", ip6Header+"->saddr"), as(lookup.IPv6, "dst", ip6Header+"->daddr")}
)

// netnsOf is the inode number of a device's network namespace, which is not that of the packet's device at the drop if the packet
// crosses to another one.
func netnsOf(dev string) Read { return num("netns", dev+"->nd_net.net->ns.inum") }
