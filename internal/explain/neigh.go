// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// neighbourReads describe the next hop. data[0] to data[2] are the numbers of probes (NEIGH_VAR_MCAST_PROBES,
// NEIGH_VAR_UCAST_PROBES, NEIGH_VAR_APP_PROBES), which are the same on all kernels; the indexes of later settings are not (5.18 added one).
var neighbourReads = reads(
	as(lookup.ByLength, "via", "*(struct in6_addr *)neigh->primary_key", "neigh->tbl->key_len"), as(lookup.String, "dev", "neigh->dev->name"),
	as(lookup.NeighbourStates, "state", "neigh->nud_state"), num("state_number", "neigh->nud_state"), num("probes", "neigh->probes.counter"),
	num("multicast_probes", "neigh->parms->data[0]"), num("unicast_probes", "neigh->parms->data[1]"), num("app_probes", "neigh->parms->data[2]"),
	num("family", "neigh->tbl->family"),
)

var neigh = family{
	name: "neigh", title: "Neighbours (ARP and neighbour discovery)",
	sites: []Site{
		{Name: "neigh_failed", Reasons: []string{"NEIGH_FAILED", Unspecified}, Functions: []string{"arp_error_report", "ndisc_error_report", "__neigh_event_send", "neigh_invalidate", "neigh_timer_handler", "__neigh_update", "neigh_update"}},
		{Name: "neigh_queue", Reasons: []string{"NEIGH_QUEUEFULL", "NEIGH_DEAD", "NEIGH_FAILED", Unspecified}, Functions: []string{"__neigh_event_send", "neigh_event_send", "neigh_resolve_output"}},
		{
			Name: "neigh_create", Reasons: []string{"NEIGH_CREATEFAIL", Unspecified}, Functions: []string{"ip_finish_output2", "ip6_finish_output2", "__ip_finish_output", "ip_finish_output", "ip6_finish_output"},
			Reads: reads(
				as(lookup.String, "dev", dst+"->dev->name"), num("is_v4", isIPv4),
				num("entries4", "arp_tbl->gc_entries.counter", "arp_tbl->entries.counter"), num("limit4", "arp_tbl->gc_thresh3"),
				num("entries6", "nd_tbl->gc_entries.counter", "nd_tbl->entries.counter"), num("limit6", "nd_tbl->gc_thresh3"),
			),
		},
		{
			Name: "neigh_header", Reasons: []string{"NEIGH_HH_FILLFAIL", Unspecified}, Functions: []string{"neigh_resolve_output", "neigh_connected_output", "neigh_hh_output", "ip_finish_output2", "ip6_finish_output2"},
			Reads: reads(device),
		},
	},
	decisions: []Decision{
		{Name: "unresolved", Functions: []string{"arp_error_report", "ndisc_error_report"}, Every: true, Skb: "skb", At: AtEntry, Reads: neighbourReads},
		{
			// A full queue drops its oldest packet, not the one that is sent.
			Name: "neigh_queue", Denies: true, Functions: []string{"__neigh_event_send"}, Skb: "(struct sk_buff *)neigh->arp_queue.next", At: AtEntry,
			Keep: "neigh->arp_queue.qlen != 0 && neigh->arp_queue_len_bytes + skb->truesize > neigh->parms->data[NEIGH_VAR_QUEUE_LEN_BYTES]",
			Reads: join(neighbourReads, reads(
				as(size, "bytes", "neigh->arp_queue_len_bytes"), as(size, "limit", "neigh->parms->data[NEIGH_VAR_QUEUE_LEN_BYTES]"),
				num("waiting", "neigh->arp_queue.qlen"), as(size, "adds", "skb->truesize"))),
		},
		{
			Name: "neigh_send", Functions: []string{"__neigh_event_send"}, Skb: "skb", At: AtEntry,
			Reads: join(neighbourReads, reads(num("dead", "neigh->dead"))),
		},
	},
	causes: []Cause{
		{
			ID: "neigh-no-answer", Site: "neigh_failed", When: "known(unresolved.via) && unresolved.multicast_probes + unresolved.unicast_probes + unresolved.app_probes > 0",
			// The free is the last call of arp_error_report, so the location is in its caller (seen on 6.18.44), or in the
			// function that the caller is inlined into.
			Functions: []string{"arp_error_report", "ndisc_error_report", "neigh_invalidate", "neigh_timer_handler", "__neigh_update", "neigh_update"},
			Text:      "the next hop {unresolved.via} on {unresolved.dev} did not answer ARP or neighbour discovery (mcast_solicit={unresolved.multicast_probes}, ucast_solicit={unresolved.unicast_probes})",
			Remedy:    "check that {unresolved.via} is up and in the same VLAN: `ip neigh show to {unresolved.via} dev {unresolved.dev}`; check that it is the right next hop: `ip route get DST`",
			Limits:    "IPv6 has no reason (NOT_SPECIFIED) on any kernel.",
		},
		{
			// NUD_INCOMPLETE 1 and NUD_STALE 4 have other ends.
			ID: "neigh-failed", Site: "neigh_queue", Reasons: []string{"NEIGH_FAILED", Unspecified}, Functions: []string{"__neigh_event_send"},
			When: "neigh_send.multicast_probes + neigh_send.app_probes == 0 && !neigh_send.dead && !(neigh_send.state_number & 5)",
			Text: "the next hop {neigh_send.via} on {neigh_send.dev} is not probed (mcast_solicit=0, app_solicit=0)", Remedy: "[[if neigh_send.family == 2: `sysctl -w net.ipv4.neigh.{neigh_send.dev}.mcast_solicit=3`]][[if neigh_send.family == 10: `sysctl -w net.ipv6.neigh.{neigh_send.dev}.mcast_solicit=3`]]",
		},
		{
			ID: "neigh-queue-full", Site: "neigh_queue", Reasons: []string{"NEIGH_QUEUEFULL", Unspecified}, When: "neigh_queue.bytes + neigh_queue.adds > neigh_queue.limit",
			Text: "the queue of the unresolved next hop {neigh_queue.via} on {neigh_queue.dev} is full ({neigh_queue.bytes} in {neigh_queue.waiting} packets, limit {neigh_queue.limit}): " +
				"its oldest packet is dropped for a new one",
			Remedy: "find out why {neigh_queue.via} does not answer; a longer queue delays the loss only[[if neigh_queue.family == 2: : `sysctl net.ipv4.neigh.{neigh_queue.dev}.unres_qlen_bytes`]][[if neigh_queue.family == 10: : `sysctl net.ipv6.neigh.{neigh_queue.dev}.unres_qlen_bytes`]]",
			Limits: "If several packets are dropped for one, only the first is explained.",
		},
		{
			ID: "neigh-dead", Site: "neigh_queue", Reasons: []string{"NEIGH_DEAD", Unspecified}, When: "neigh_send.dead",
			Text: "the neighbour entry of {neigh_send.via} on {neigh_send.dev} was being removed", Remedy: "none needed (normal while a device or an address is removed)", Benign: true,
		},
		{
			ID: "neigh-table-full", Site: "neigh_create", Refines: []string{"neigh-create-failed"}, Reasons: []string{"NEIGH_CREATEFAIL"}, When: "is_v4 && entries4 >= limit4",
			Text:   "the neighbour table is full: {entries4} of gc_thresh3={limit4} entries in all namespaces, so the next hop on {dev} can't be resolved",
			Remedy: "`sysctl -w net.ipv4.neigh.default.gc_thresh3=N`, and gc_thresh2 below it",
		},
		{
			ID: "neigh6-table-full", Site: "neigh_create", Refines: []string{"neigh-create-failed"}, Reasons: []string{"NEIGH_CREATEFAIL"}, When: "!is_v4 && entries6 >= limit6",
			Text:   "the IPv6 neighbour table is full: {entries6} of gc_thresh3={limit6} entries in all namespaces, so the next hop on {dev} can't be resolved",
			Remedy: "`sysctl -w net.ipv6.neigh.default.gc_thresh3=N`, and gc_thresh2 below it",
		},
		{
			ID: "neigh-create-failed", Site: "neigh_create", Reasons: []string{"NEIGH_CREATEFAIL"},
			Text: "no neighbour entry could be created for the next hop on {dev}", Remedy: "`dmesg`; `ip -s neigh show dev {dev}`",
		},
		{
			ID: "neigh-header", Site: "neigh_header", Reasons: []string{"NEIGH_HH_FILLFAIL"},
			Text: "the link-layer header of the packet could not be built for {dev}", Remedy: "`ip -d link show {dev}`: the device does not support this protocol",
		},
	},
}
