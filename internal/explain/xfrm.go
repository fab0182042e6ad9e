// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"

	"tracer/internal/lookup"
)

// xfrmNames are the counters of IPsec (LINUX_MIB_XFRM*, uapi/linux/snmp.h) with their names in /proc/net/xfrm_stat. Nearly
// every exit that drops a packet counts in one of them, so that the one that grew during a call names the cause.
var xfrmNames = map[uint64]string{
	1: "XfrmInError", 2: "XfrmInBufferError", 3: "XfrmInHdrError", 4: "XfrmInNoStates", 5: "XfrmInStateProtoError", 6: "XfrmInStateModeError",
	7: "XfrmInStateSeqError", 8: "XfrmInStateExpired", 9: "XfrmInStateMismatch", 10: "XfrmInStateInvalid", 11: "XfrmInTmplMismatch",
	12: "XfrmInNoPols", 13: "XfrmInPolBlock", 14: "XfrmInPolError", 15: "XfrmOutError", 16: "XfrmOutBundleGenError",
	17: "XfrmOutBundleCheckError", 18: "XfrmOutNoStates", 19: "XfrmOutStateProtoError", 20: "XfrmOutStateModeError",
	21: "XfrmOutStateSeqError", 22: "XfrmOutStateExpired", 23: "XfrmOutPolBlock", 24: "XfrmOutPolDead", 25: "XfrmOutPolError",
	26: "XfrmFwdHdrError", 27: "XfrmOutStateInvalid", 28: "XfrmAcquireError", 29: "XfrmOutStateDirError", 30: "XfrmInStateDirError",
	31: "XfrmInIptfsError", 32: "XfrmOutNoQueueSpace",
}

// xfrmCounters are the counters of a network namespace.
func xfrmCounters(net string, rewrites bool) *Counters {
	return &Counters{Base: net + "->mib.xfrm_statistics", Struct: "linux_xfrm_mib", Rewrites: rewrites}
}

const (
	// espState is the state that transforms an outgoing packet.
	espState = dst + "->xfrm"
	// espSPI is the SPI of a received packet: that of the caller, or that of the header, which in AH (51) begins later.
	espSPI = "ntohl(spi) + (spi == 0) * ntohl(*(u32 *)(skb->head + skb->transport_header + (nexthdr == 51) * 4))"
	// hasSPI holds unless the packet comes back from asynchronous decryption, or is of another protocol than ESP and AH.
	hasSPI = "encap_type != -1 && (spi || nexthdr == 50 || nexthdr == 51)"
)

var policyDirection = lookup.Named(map[uint64]string{0: "in", 1: "out", 2: "fwd"})

var (
	// policyChecks are functions that ask the policies about a packet, and those that they may be inlined into.
	policyChecks = []string{
		"ip_forward", "ip6_forward", "ip_mr_forward", "ip_protocol_deliver_rcu", "ip_local_deliver_finish", "ip_local_deliver", "ip6_protocol_deliver_rcu", "ip6_input_finish", "ip6_input",
		"tcp_v4_rcv", "tcp_v6_rcv", "udp_queue_rcv_one_skb", "udp_queue_rcv_skb", "udp_unicast_rcv_skb", "udpv6_queue_rcv_one_skb", "udpv6_queue_rcv_skb", "udp6_unicast_rcv_skb",
		"__udp4_lib_rcv", "__udp6_lib_rcv", "udp_rcv", "udpv6_rcv", "icmp_rcv", "icmpv6_rcv", "raw_rcv", "rawv6_rcv",
		"xfrm_input", // for devices of types xfrm and vti
	}
	xfrmInput  = []string{"xfrm_input", "xfrm4_rcv_encap", "xfrm4_esp_rcv", "xfrm6_rcv_spi", "xfrm6_rcv_tnl", "esp4_rcv", "esp_input", "esp_input_done2", "ah_input"}
	xfrmOutput = []string{"xfrm_output_one", "xfrm_output_resume", "xfrm_output", "xfrm_output2"}
)

var xfrm = family{
	name: "xfrm", title: "IPsec",
	sites: []Site{
		{Name: "xfrm_policy", Reasons: []string{"XFRM_POLICY", Unspecified}, Functions: policyChecks,
			Reads: reads(where(isIPv4, ends4[0]), where(isIPv4, ends4[1]), where(isIPv6, as(lookup.IPv6, "src6", ip6Header+"->saddr")), where(isIPv6, as(lookup.IPv6, "dst6", ip6Header+"->daddr")))},
		{Name: "xfrm_packet", Reasons: []string{Unspecified, "XFRM_POLICY"}, Functions: slices.Concat(xfrmInput, xfrmOutput)},
	},
	decisions: []Decision{
		{Name: "policy_check", Denies: true, Functions: []string{"__xfrm_policy_check"}, Skb: "skb", At: AtEntry, Counters: xfrmCounters("skb->dev->nd_net.net", false),
			Reads: reads(moved(xfrmNames), as(policyDirection, "direction", "dir & 3"), num("protected", "skb->active_extensions >> SKB_EXT_SEC_PATH & 1"))},
		{Name: "policy_route", Denies: true, Functions: []string{"__xfrm_route_forward"}, Skb: "skb", At: AtEntry, Counters: xfrmCounters("skb->dev->nd_net.net", false),
			Reads: reads(moved(xfrmNames), num("policies", "skb->dev->nd_net.net->xfrm.policy_count[1]"))},
		{Name: "xfrm_receive", Denies: true, Functions: []string{"xfrm_input"}, Skb: "skb", At: AtEntry, Counters: xfrmCounters("skb->dev->nd_net.net", true),
			Reads: reads(moved(xfrmNames), where(hasSPI, as(hex32, "spi", espSPI)), num("encapsulation", "encap_type"), where(isIPv4, as(lookup.IPv4, "src", ip4Header+"->saddr")), where(isIPv6, as(lookup.IPv6, "src6", ip6Header+"->saddr")))},
		{Name: "replay", Functions: []string{"xfrm_replay_check", "xfrm_replay_check_bmp", "xfrm_replay_check_esn", "xfrm_replay_recheck", "xfrm_replay_recheck_esn"}, Every: true, Skb: "skb", Keep: "ret != 0",
			Reads: reads(num("seq", "ntohl(net_seq)"), where("!x->replay_esn", num("newest", "x->replay.seq")), where("!x->replay_esn", num("window", "x->props.replay_window")),
				where("x->replay_esn", num("newest_esn", "x->replay_esn->seq")), where("x->replay_esn", num("window_esn", "x->replay_esn->replay_window")))},
		{Name: "xfrm_send", Denies: true, Functions: []string{"xfrm_output_resume"}, Skb: "skb", At: AtEntry, Counters: xfrmCounters(espState+"->xs_net.net", true),
			Reads: reads(moved(xfrmNames), as(hex32, "spi", "ntohl("+espState+"->id.spi)"), as(lookup.ByFamily, "peer", "*(struct in6_addr *)&"+espState+"->id.daddr", espState+"->props.family"),
				as(size, "len", "skb->len"), as(size, "mtu", metrics+"[1]"), num("tunnel", espState+"->props.mode == 1"), num("packets", espState+"->curlft.packets"))},
	},
	causes: slices.Concat(
		counted("xfrm_policy", nil, "policy_check", "", []counter{
			{2, "policy-depth", "the policies for the packet have too many templates", "`ip xfrm policy`"},
			{3, "policy-header", "the packet's headers do not suffice for the policies", "the packet is damaged"},
			{9, "policy-state-mismatch", "the packet was decrypted with a state whose selector does not cover it", "compare the selector (sel) of the state with the packet: `ip xfrm state`"},
			{11, "policy-template", "the packet's IPsec protection does not match the template of the policy for direction {policy_check.direction}", "compare `ip xfrm policy` (tmpl) on both ends"},
			{12, "no-policy", "no policy for direction {policy_check.direction} allows this packet" + ends, "`ip xfrm policy`: a policy for decrypted packets is missing, or the default is block"},
			{13, "policy-block", "a policy with action block for direction {policy_check.direction} matches the packet" + ends, "`ip xfrm policy show action block`"},
			{14, "policy-error", "the policy for the packet could not be used", "`ip xfrm policy`; `dmesg`"},
		}),
		[]Cause{{
			ID: "ipsec-unprotected", Site: "xfrm_policy", Refines: []string{"ipsec-policy-template"}, When: "policy_check.moved == 11 && !policy_check.protected",
			Text:   "the packet" + ends + " came without IPsec, but a policy for direction {policy_check.direction} requires it",
			Remedy: "the peer does not encrypt: look at its states and policies; `ip xfrm policy`",
		}},
		counted("xfrm_policy", []string{"ip_forward", "ip6_forward"}, "policy_route", "out-", []counter{
			{16, "bundle", "no route could be made for the outgoing policy of the packet" + ends, "`ip route get PEER`; free memory"},
			{18, "no-state", "there is no state (SA) for the outgoing policy of the packet" + ends + ", and no IKE daemon has set one up yet", "check that the IKE daemon runs: `ip xfrm state`; `ip xfrm policy`"},
			{23, "policy-block", "a policy with action block for direction out matches the packet" + ends, "`ip xfrm policy show action block`"},
			{24, "policy-dead", "the policy for an outgoing packet was just deleted", "none needed (normal while policies change)"},
			{25, "policy-error", "the outgoing policy for the packet" + ends + " can't be used: its states can't be found or asked for", "`ip xfrm state`; `ip xfrm policy`; `dmesg`"},
			{26, "forward-header", "the packet's headers do not suffice for the policies of forwarded packets", "the packet is damaged"},
		}),
		counted("xfrm_packet", xfrmInput, "xfrm_receive", "in-", []counter{
			{1, "error", "IPsec input failed" + forSPI, "`ip -s xfrm state`; `cat /proc/net/xfrm_stat`"},
			{2, "buffer", "the packet has too many layers of IPsec", "look for a tunnel that leads into itself: `ip xfrm state`"},
			{3, "header", "the IPsec header can't be read", "the packet is damaged"},
			{4, "no-state", "no state (SA) for SPI {xfrm_receive.spi}" + from, "`ip xfrm state`; the peers disagree: restart the IKE connection"},
			{5, "protocol", "the packet" + forSPI + " can't be decrypted or authenticated (wrong key, damaged, or another algorithm)", "compare keys and algorithms of both ends: `ip xfrm state`"},
			{6, "mode", "the mode (tunnel, transport) of the state does not fit the packet" + forSPI, "compare the mode of the state on both ends: `ip xfrm state`"},
			{7, "replay", "the packet" + forSPI + " is outside the replay window or came twice" + replayed, "reordering or QoS in the tunnel: a larger replay-window (ip xfrm state)"},
			{8, "expired", "the state of the packet" + forSPI + " has expired", "the IKE daemon does not renew it: `ip -s xfrm state`"},
			{9, "mismatch", "the state does not fit the packet" + forSPI + " (UDP encapsulation {xfrm_receive.encapsulation})", "compare the UDP encapsulation (encap) of the state on both ends: `ip xfrm state`"},
			{10, "invalid", "the state of the packet" + forSPI + " is not usable any more", "`ip xfrm state`"},
			{28, "acquire", "the state of the packet" + forSPI + " is still being negotiated", "the IKE daemon has not finished: `ip xfrm state`"},
			{30, "direction", "the state of the packet" + forSPI + " is for output only", "the state has dir out: the SPIs of the two directions are mixed up: `ip xfrm state`"},
		}),
		counted("xfrm_packet", xfrmOutput, "xfrm_send", "out-", []counter{
			{15, "error", "IPsec output to {xfrm_send.peer} failed (SPI {xfrm_send.spi}): no memory or no route for the encrypted packet", "`ip -s xfrm state`; `ip route get {xfrm_send.peer}`"},
			{19, "protocol", "the packet to {xfrm_send.peer} can't be encrypted (SPI {xfrm_send.spi})", "`ip xfrm state`; `dmesg`"},
			{20, "mode", "the packet does not fit the mode of the state to {xfrm_send.peer} (SPI {xfrm_send.spi})", "compare the mode (tunnel, transport) of the state on both ends: `ip xfrm state`"},
			{21, "sequence", "the sequence numbers of the state to {xfrm_send.peer} are used up (SPI {xfrm_send.spi})", "the IKE daemon must renew the state"},
			{22, "expired", "the state to {xfrm_send.peer} has expired (SPI {xfrm_send.spi}, {xfrm_send.packets} packets)", "the IKE daemon does not renew it: `ip -s xfrm state`"},
			{27, "invalid", "the state to {xfrm_send.peer} is not usable any more (SPI {xfrm_send.spi})", "`ip xfrm state`"},
		}),
		[]Cause{
			{
				ID: "ipsec-out-too-big", Site: "xfrm_packet", Functions: xfrmOutput, Refines: []string{"ipsec-out-mode"}, When: "xfrm_send.moved == 20 && xfrm_send.tunnel && xfrm_send.mtu != 0 && xfrm_send.len > xfrm_send.mtu",
				Text:   "a packet of {xfrm_send.len} does not fit into the IPsec tunnel to {xfrm_send.peer} (SPI {xfrm_send.spi}), which has room for {xfrm_send.mtu}",
				Remedy: "send less, let ICMP frag needed through, or clamp the MSS to {xfrm_send.mtu} less the headers",
			},
			{
				// xfrm_lookup_route gives packets of this host a route that discards them; its device is lo.
				ID: "ipsec-waits-for-state", Site: "dst_discard", When: "obsolete == 2 && loopback",
				Text:   "there is no state (SA) yet for the IPsec policy of the packet[[ to {dst4}]][[ to {dst6}]]: the kernel discards packets until an IKE daemon sets one up",
				Remedy: "check that the IKE daemon runs: `ip xfrm state`; `sysctl net.core.xfrm_larval_drop`",
			},
		},
	),
}

// Parts of texts.
const (
	ends     = "[[ from {src} to {dst}]][[ from {src6} to {dst6}]]"
	from     = "[[ from {xfrm_receive.src}]][[ from {xfrm_receive.src6}]]"
	forSPI   = "[[ for SPI {xfrm_receive.spi}]]"
	replayed = "[[: sequence number {replay.seq}]][[, newest {replay.newest}, window {replay.window}]][[, newest {replay.newest_esn}, window {replay.window_esn}]]"
)

// counter is a counter whose growth is a cause.
type counter struct {
	number           uint64
	id, text, remedy string
}

// counted returns the causes of the counters of a decision, for drops in these functions of the site; nil for all.
func counted(site string, functions []string, decision, prefix string, counters []counter) []Cause {
	var causes []Cause
	for _, c := range counters {
		causes = append(causes, Cause{
			ID: "ipsec-" + prefix + c.id, Site: site, Functions: functions, When: fmt.Sprintf("%s.moved == %d", decision, c.number), Text: c.text, Remedy: c.remedy,
			Refines: refinedByPolicy[c.id], Limits: "needs CONFIG_XFRM_STATISTICS and CONFIG_KALLSYMS_ALL.",
		})
	}
	return causes
}

// refinedByPolicy are causes of IPsec input that a check of the policies within it also counts.
var refinedByPolicy = map[string][]string{
	"policy-depth": {"ipsec-in-buffer"}, "policy-header": {"ipsec-in-header"}, "policy-state-mismatch": {"ipsec-in-mismatch"},
}
