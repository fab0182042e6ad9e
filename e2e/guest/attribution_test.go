// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
)

// label is what tells one packet from another by its headers: ports, and of an echo
// the identifier and the sequence number.
type label struct {
	protocol      string
	source, dest  string
	sport, dport  int
	kind, id, seq int
}

// labelOf is empty for an event that shows none: of a later fragment, or where
// headers are not written yet.
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

// attribution is what a trace says of which event belongs to which packet.
type attribution struct {
	// events are all, packets those that were told apart, followed or not.
	events, packets int
	// unended are the followed packets that were not seen to be let go.
	unended int
	// answers are the events of parts that were made on a packet's stack.
	answers int
	wrong   faultList
}

// faultList has the first faults and counts the others.
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

// endings are functions that let a packet go.
var endings = []string{
	"__consume_stateless_skb", "__kfree_skb", "consume_skb", "kfree_skb", "kfree_skb_list_reason", "kfree_skb_partial",
	"kfree_skb_reason", "kfree_skbmem", "napi_consume_skb", "sk_skb_reason_drop", "skb_attempt_defer_free",
	"skb_release_data", "skb_release_head_state",
}

// attribute looks for events that are given to a wrong packet: no number may have
// events with two labels, and none a label that the filter does not want.
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
			a.wrong.add("what the filter does not match: %s", r.brief())
		}
		if before, ok := labels[r.ID]; ok && r.ID != 0 && before != l {
			a.wrong.add("packet %d is %+v, too: %s", r.ID, before, r.brief())
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
		"stranger":          {event(1, unwanted, "consume_skb"), 1, 0, "what the filter does not match"},
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
