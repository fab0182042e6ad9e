// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"strings"

	"tracer/internal/ktest"
)

var whyNeigh = []provocation{noAnswer, noAnswer6, mayNotProbe, neighbourQueueFull}

// silent returns addresses in the networks of a wire that no host has.
func (w *wire) silent() (v4, v6 netip.Addr) {
	last4, last6 := w.near4.As4(), w.near6.As16()
	last4[3], last6[15] = 99, 99
	return netip.AddrFrom4(last4), netip.AddrFrom16(last6)
}

// unanswered sends a datagram from a through the router to an address in one of the router's networks.
func (l *lab) unanswered(cause string, w wire, from, to netip.Addr, values map[string]any) scenario {
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(from, port), To: netip.AddrPortFrom(to, port), Size: 20}
	return scenario{
		cause: cause, values: values, needs: needs{probes: true}, rows: every(within(l.r), toPort(port), notICMP),
		send: l.transmits(l.a, l.ra.toFar, u.Packet().Bytes()),
	}
}

// notICMP excludes ICMP errors about a packet.
func notICMP(r *record) bool { return r.Tuple.ICMP == nil }

func noAnswer(l *lab) scenario {
	w := l.wire(l.b, l.r)
	l.r.SetSysctl(l.tb, "ipv4/neigh/"+w.farName+"/retrans_time_ms", "100")
	to, _ := w.silent()
	s := l.unanswered("neigh-no-answer", w, l.ra.near4, to, map[string]any{"unresolved.via": to, "unresolved.dev": w.farName, "unresolved.multicast_probes": 3})
	s.needs.symbols = []string{"arp_error_report"}
	return s
}

func noAnswer6(l *lab) scenario {
	w := l.wire(l.b, l.r)
	l.r.SetSysctl(l.tb, "ipv6/neigh/"+w.farName+"/retrans_time_ms", "100")
	_, to := w.silent()
	s := l.unanswered("neigh-no-answer", w, l.ra.near6, to, map[string]any{"unresolved.via": to, "unresolved.dev": w.farName, "unresolved.multicast_probes": 3})
	s.needs.symbols = []string{"ndisc_error_report"}
	return s
}

// mayNotProbe sends to a device that must not send ARP requests (mcast_solicit 0).
func mayNotProbe(l *lab) scenario {
	w := l.wire(l.b, l.r)
	l.r.SetSysctl(l.tb, "ipv4/neigh/"+w.farName+"/mcast_solicit", "0")
	to, _ := w.silent()
	s := l.unanswered("neigh-failed", w, l.ra.near4, to, map[string]any{"neigh_send.via": to, "neigh_send.dev": w.farName})
	s.needs.symbols = []string{"__neigh_event_send"}
	return s
}

// neighbourQueueFull sends more packets than the queue of an unresolved neighbour holds.
func neighbourQueueFull(l *lab) scenario {
	w := l.wire(l.b, l.r)
	l.r.SetSysctl(l.tb, "ipv4/neigh/"+w.farName+"/unres_qlen_bytes", "3000")
	to, _ := w.silent()
	s := l.unanswered("neigh-queue-full", w, l.ra.near4, to, map[string]any{"neigh_queue.via": to, "neigh_queue.dev": w.farName, "neigh_queue.limit": 3000})
	s.needs.symbols = []string{"__neigh_event_send"}
	all, send := s.rows, s.send
	s.rows = func(r *record) bool { // the packets that stay in the queue are dropped elsewhere, since nobody answers
		return all(r) && (r.Reason == "SKB_DROP_REASON_NEIGH_QUEUEFULL" || !hasReasons() && strings.HasPrefix(r.Location, "__neigh_event_send+"))
	}
	s.send = func() {
		for range 6 {
			send()
		}
	}
	return s
}
