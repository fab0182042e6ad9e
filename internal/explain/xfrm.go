// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"

	"tracer/internal/lookup"
)

// The counters of xfrm (LINUX_MIB_XFRM*, uapi/linux/snmp.h): every silent exit counts in one of them, so that
// the one that grew during a call names the cause. Numbers: 1 InError, 2 InBufferError, 3 InHdrError,
// 4 InNoStates, 5 InStateProtoError, 6 InStateModeError, 7 InStateSeqError, 8 InStateExpired, 9 InStateMismatch,
// 10 InStateInvalid, 11 InTmplMismatch, 12 InNoPols, 13 InPolBlock, 14 InPolError, 15 OutError,
// 16 OutBundleGenError, 17 OutBundleCheckError, 18 OutNoStates, 19 OutStateProtoError, 20 OutStateModeError,
// 21 OutStateSeqError, 22 OutStateExpired, 23 OutPolBlock, 24 OutPolDead, 25 OutPolError.
const xfrmCounters = 32

const countersSpecial = "the per-CPU counters are copied at the entry and compared at the return, with the softirq on this CPU: the one that grew is the value moved"

// moved is the number of the counter that grew during the call.
var moved = num("moved")

var (
	espSPI  = "ntohl(*(u32 *)(skb->head + skb->transport_header))"
	xfrmEnd = []string{"xfrm_input", "xfrm4_rcv_encap", "xfrm4_esp_rcv", "xfrm6_rcv_spi", "xfrm6_rcv_tnl", "esp4_rcv", "xfrm_output_one", "xfrm_output_resume", "xfrm_output", "xfrm_output2", "esp_input", "esp_input_done2", "ah_input"}
)

var xfrm = family{
	name: "xfrm", title: "IPsec",
	sites: []Site{
		{Name: "xfrm_policy", Reasons: []string{"XFRM_POLICY", Unspecified}, Functions: []string{"ip_forward", "ip6_forward", "ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu", "tcp_v4_rcv", "tcp_v6_rcv", "udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb", "__udp4_lib_rcv", "__udp6_lib_rcv", "udp_rcv", "icmp_rcv", "raw_rcv", "ip_mr_forward"},
			Reads: reads(where(isIPv4, ends4[0]), where(isIPv4, ends4[1]))},
		{Name: "xfrm_packet", Reasons: []string{Unspecified, "XFRM_POLICY"}, Functions: xfrmEnd, Reads: reads(as(hex32, "spi", espSPI), where(isIPv4, as(lookup.IPv4, "src4", ip4Header+"->saddr")))},
	},
	decisions: []Decision{
		{Name: "policy_check", Denies: true, Functions: []string{"__xfrm_policy_check"}, Skb: "skb", Keep: "ret == 0",
			Counters: &Counters{Base: "skb->dev->nd_net.net->mib.xfrm_statistics", Count: xfrmCounters},
			Reads:    reads(moved, num("direction", "dir"))},
		{Name: "xfrm_receive", Denies: true, Functions: []string{"xfrm_input"}, Skb: "skb",
			Counters: &Counters{Base: "skb->dev->nd_net.net->mib.xfrm_statistics", Count: xfrmCounters},
			Reads:    reads(moved, as(hex32, "spi", "ntohl(spi)"), num("encapsulation", "encap_type"))},
		{Name: "xfrm_send", Denies: true, Functions: []string{"xfrm_output_resume"}, Skb: "skb", Keep: "ret != 0",
			Counters: &Counters{Base: "sk->__sk_common.skc_net.net->mib.xfrm_statistics", Count: xfrmCounters},
			Reads:    reads(moved, as(errno, "error", "-ret"))},
	},
	causes: append(append(
		counted("xfrm_policy", "policy_check", "", []counter{
			{11, "policy-template", "the packet's IPsec protection does not match the template of the policy", "compare `ip xfrm policy` (tmpl) on both ends"},
			{12, "no-policy", "no policy allows this packet[[ from {src} to {dst}]]", "ip xfrm policy: an `in` or `fwd` policy for decrypted packets is missing"},
			{13, "policy-block", "a policy with action block matches the packet[[ from {src} to {dst}]]", "ip xfrm policy show action block"},
			{14, "policy-error", "the policy for the packet could not be used", "ip xfrm policy; dmesg"},
			{9, "policy-state-mismatch", "the packet was decrypted with a state that its selector does not cover", "ip xfrm state (sel)"},
			{3, "policy-header", "the packet's headers do not suffice for the policies", "the packet is damaged"},
		}),
		counted("xfrm_packet", "xfrm_receive", "in-", []counter{
			{1, "error", "IPsec input failed for SPI {spi}", "ip -s xfrm state; /proc/net/xfrm_stat"},
			{2, "buffer", "no memory for a decrypted packet", "free memory"},
			{3, "header", "the IPsec header can't be read", "the packet is damaged"},
			{4, "no-state", "no state (SA) for SPI {spi}[[ from {src4}]]", "ip xfrm state; the peers disagree: restart the IKE connection"},
			{5, "protocol", "the packet for SPI {spi} can't be decrypted or authenticated (wrong key, damaged, or another algorithm)", "compare keys and algorithms: ip xfrm state"},
			{6, "mode", "the mode (tunnel, transport) of SPI {spi} does not fit the packet", "ip xfrm state (mode)"},
			{7, "replay", "the packet for SPI {spi} is outside the replay window or came twice", "reordering or QoS in the tunnel: a larger replay-window (ip xfrm state)"},
			{8, "expired", "the state of SPI {spi} has expired", "the IKE daemon does not renew it: ip -s xfrm state"},
			{9, "mismatch", "the state of SPI {spi} does not fit the packet (UDP encapsulation?)", "ip xfrm state (encap)"},
			{10, "invalid", "the state of SPI {spi} is not usable yet or any more", "ip xfrm state"},
		})...),
		counted("xfrm_packet", "xfrm_send", "out-", []counter{
			{15, "error", "IPsec output failed: {xfrm_send.error}", "ip -s xfrm state; /proc/net/xfrm_stat"},
			{18, "no-state", "no state (SA) for an outgoing packet", "the IKE daemon has not set one up: ip xfrm state"},
			{19, "protocol", "an outgoing packet can't be encrypted: {xfrm_send.error}", "ip xfrm state; dmesg"},
			{20, "mode", "an outgoing packet does not fit the mode of its state: {xfrm_send.error}", "ip xfrm state (mode)"},
			{21, "sequence", "the sequence numbers of an outgoing state are used up", "the IKE daemon must renew the state"},
			{22, "expired", "the state for an outgoing packet has expired", "ip -s xfrm state"},
			{23, "policy-block", "a policy with action block forbids an outgoing packet", "ip xfrm policy show action block"},
			{24, "policy-dead", "the policy for an outgoing packet was just deleted", "normal during a change"},
			{25, "policy-error", "the policy for an outgoing packet could not be used: {xfrm_send.error}", "ip xfrm policy"},
		})...),
}

// counter is a counter whose growth is a cause.
type counter struct {
	number           int
	id, text, remedy string
}

// counted returns the causes of the counters of a decision.
func counted(site, decision, prefix string, counters []counter) []Cause {
	var causes []Cause
	for _, c := range counters {
		causes = append(causes, Cause{
			ID: "ipsec-" + prefix + c.id, Site: site, When: fmt.Sprintf("%s.moved == %d", decision, c.number), Text: c.text, Remedy: c.remedy, Special: countersSpecial,
			Limits: "needs CONFIG_XFRM_STATISTICS.",
		})
	}
	return causes
}
