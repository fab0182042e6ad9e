// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
)

// label identifies a packet by its headers: addresses and ports, or the identifier and sequence
// number of an echo.
type label struct {
	protocol      string
	source, dest  string
	sport, dport  int
	kind, id, seq int
}

// labelOf returns the label of an event. ok is false if the packet has no ports or echo identifier: a later fragment,
// or a packet whose headers are not written yet.
func labelOf(r *record) (l label, ok bool) {
	t := &r.Tuple
	l = label{protocol: t.Protocol, source: t.Source, dest: t.Dest}
	switch {
	case t.ICMP != nil && t.ICMP.ID != nil && t.ICMP.Seq != nil:
		l.kind, l.id, l.seq = t.ICMP.Type, *t.ICMP.ID, *t.ICMP.Seq
	case t.Sport != nil && t.Dport != nil:
		l.sport, l.dport = *t.Sport, *t.Dport
	default:
		return label{}, false
	}
	return l, true
}

// attribution is the result of checking which events a trace assigned to which packet.
type attribution struct {
	// events is the number of all events, packets the number of distinct labels, followed or not.
	events, packets int
	// unended is the number of followed packets whose last event is not one that frees them.
	unended int
	// answers is the number of events of packets that the kernel created while it handled another one (origin stack).
	answers int
	wrong   faultList
}

// faultList keeps the first 10 faults and counts all.
type faultList struct {
	first []string
	count int
}

func (l *faultList) add(format string, args ...any) {
	l.count++
	if len(l.first) < 10 {
		l.first = append(l.first, fmt.Sprintf(format, args...))
	}
}

// endings are functions that free a packet.
var endings = []string{
	"__consume_stateless_skb", "__kfree_skb", "consume_skb", "kfree_skb", "kfree_skb_list_reason", "kfree_skb_partial",
	"kfree_skb_reason", "kfree_skbmem", "napi_consume_skb", "sk_skb_reason_drop", "skb_attempt_defer_free",
	"skb_release_data", "skb_release_head_state",
}

// attribute looks for events that are assigned to a wrong packet: no packet number may have
// events with two labels, and no event a label that the filter does not match.
func attribute(events iter.Seq[*record], labelOf func(*record) (label, bool), wanted func(label) bool) attribution {
	var a attribution
	labels, last := make(map[uint64]label), make(map[uint64]string)
	seen := make(map[label]bool)
	for r := range events {
		a.events++
		if r.ID != 0 {
			last[r.ID] = r.Func
		}
		if r.Origin == "stack" {
			a.answers++
		}
		l, ok := labelOf(r)
		if !ok {
			continue
		}
		if !wanted(l) {
			a.wrong.add("not matched by the filter: %s", r.brief())
		}
		if before, ok := labels[r.ID]; ok && r.ID != 0 && before != l {
			a.wrong.add("packet %d is also %+v: %s", r.ID, before, r.brief())
		}
		labels[r.ID], seen[l] = l, true
	}
	for _, function := range last {
		if !slices.Contains(endings, function) {
			a.unended++
		}
	}
	a.packets = len(seen)
	return a
}

// TestAttribute checks attribute with made-up traces.
func TestAttribute(t *testing.T) {
	const (
		one       = `"protocol":"udp","sport":20000,"dport":7300`
		two       = `"protocol":"udp","sport":20016,"dport":7300`
		unwanted  = `"protocol":"udp","sport":7300,"dport":20000`
		firstEcho = `"protocol":"icmp","icmp":{"type":8,"code":0,"id":1,"seq":1}`
		nextEcho  = `"protocol":"icmp","icmp":{"type":8,"code":0,"id":1,"seq":2}`
		nothing   = `"fragment":true,"fragment_offset":1480`
	)
	event := func(id int, tuple, function string) string {
		return fmt.Sprintf(`{"id":%d,"func":%q,"tuple":{%s}}`, id, function, tuple) + "\n"
	}
	for name, c := range map[string]struct {
		lines   string
		packets int
		unended int
		wrong   string
	}{
		"two packets":       {event(1, one, "ip_rcv") + event(2, two, "ip_rcv") + event(1, one, "consume_skb") + event(2, two, "kfree_skb"), 2, 0, ""},
		"not ended":         {event(1, one, "consume_skb") + event(1, one, "ip_rcv"), 1, 1, ""},
		"later fragment":    {event(1, one, "ip_rcv") + event(1, nothing, "consume_skb"), 1, 0, ""},
		"two ports":         {event(1, one, "ip_rcv") + event(1, two, "consume_skb"), 2, 0, "packet 1 is "},
		"two echoes":        {event(1, firstEcho, "ip_rcv") + event(1, nextEcho, "consume_skb"), 2, 0, "packet 1 is "},
		"number used again": {event(1, one, "kfree_skb") + event(1, two, "kfree_skb"), 2, 0, "packet 1 is "},
		"unwanted":          {event(1, unwanted, "consume_skb"), 1, 0, "not matched by the filter"},
		"without numbers":   {event(0, one, "ip_rcv") + event(0, two, "ip_rcv"), 2, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := func(l label) bool { return l.protocol == "icmp" || l.dport == 7300 }
			a := attribute(pointers(canned(t, c.lines)), labelOf, wanted)
			if a.events != strings.Count(c.lines, "\n") || a.packets != c.packets || a.unended != c.unended {
				t.Errorf("%+v, want %d packets, %d unended", a, c.packets, c.unended)
			}
			got := strings.Join(a.wrong.first, "; ")
			if (c.wrong == "") != (a.wrong.count == 0) || !strings.Contains(got, c.wrong) {
				t.Errorf("wrong: %q, want %q", got, c.wrong)
			}
		})
	}
}

func pointers(events records) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for i := range events {
			if !yield(&events[i]) {
				return
			}
		}
	}
}
