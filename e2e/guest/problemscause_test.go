// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"tracer/internal/explain"
)

// told is a cause in a line `why:` of the document.
type told struct {
	// causes are the causes with this text.
	causes []string
	// needs is what a kernel must have to tell it. Otherwise the cause may be less specific, unknown, or one of otherwise.
	needs     needs
	otherwise []string
}

// causesOf are the causes of the lines `why:` in docs/problems.md, in order, by the titles of their sections.
var causesOf = map[string][]told{
	"The host does not forward": {{causes: []string{"ip-forward-off"}}},
	"Reverse path filtering drops packets (rp_filter)": {
		{causes: []string{"rp-filter-strict"}, needs: needs{probes: true}, otherwise: []string{"rp-filter"}},
	},
	"There is no route, or a route that discards packets": {
		{causes: []string{"no-route"}, needs: needs{probes: true}}, {causes: []string{"route-blackhole"}, needs: needs{probes: true}},
	},
	"The next hop does not answer": {
		{causes: []string{"neigh-no-answer"}, needs: needs{probes: true, reason: "NEIGH_FAILED", symbols: []string{"arp_error_report"}}},
	},
	"The frame has another host's MAC address, or a stray VLAN tag": {
		{causes: []string{"wrong-mac"}, needs: needs{reason: "OTHERHOST"}},
		{causes: []string{"vlan-without-device"}, needs: needs{probes: true, reason: "OTHERHOST", symbols: []string{"vlan_do_receive"}}, otherwise: []string{"own-mac-otherhost"}},
	},
	"Large packets are lost, small ones arrive": {{causes: []string{"forward-mtu-device"}}, byRule},
	"The device's queue is full": {
		{causes: []string{"qdisc-full-bytes"}, needs: needs{probes: true, reason: "QDISC_DROP", symbols: []string{"bfifo_enqueue"}}},
	},
	"The firewall drops it": {byRule},
	"The connection tracking table is full": {
		{causes: []string{"conntrack-full"}, needs: needs{probes: true, reason: "NETFILTER_DROP", module: "nf_conntrack", symbols: []string{"nf_conntrack_in"}}},
	},
	"A BPF program drops it":                    {{causes: []string{"tc-classifier", "tc-program"}, needs: needs{probes: true, reason: "TC_INGRESS"}}},
	"A service address leads to a dead backend": {noUDPSocket},
	"Nothing listens on the port":               {noUDPSocket, {causes: []string{"tcp-no-listener"}, needs: needs{reason: "NO_SOCKET"}}},
	"The accept queue is full": {
		{causes: []string{"syn-accept-queue-full"}, needs: needs{probes: true, silent: true, symbols: []string{"tcp_conn_request"}}},
	},
	"The socket's receive buffer is full": {
		{causes: []string{"udp-rcvbuf"}, needs: needs{probes: true, reason: "SOCKET_RCVBUFF", symbols: []string{"__udp_enqueue_schedule_skb"}}},
	},
}

var (
	byRule = told{
		causes: []string{"nft-rule", "nft-rule-returned"}, needs: needs{probes: true, reason: "NETFILTER_DROP", module: "nf_tables"},
	}
	noUDPSocket = told{causes: []string{"udp-no-listener"}, needs: needs{reason: "NO_SOCKET"}}
)

// known reports whether this kernel can tell one of the causes, with the backend that tracer chooses.
func (c told) known() bool {
	told := func(id string) bool {
		s := scenario{cause: id}
		return s.excuse() == ""
	}
	return c.needs.met() && (len(c.causes) == 0 || slices.ContainsFunc(c.causes, told))
}

// isTextOf reports whether a line `why:` has a text of the causes.
func (c told) isTextOf(line string) bool {
	return slices.ContainsFunc(c.causes, func(id string) bool { return regexp.MustCompile("^" + whyLine + textOf(id) + "$").MatchString(line) })
}

// orLess returns a pattern that also matches an unknown cause, less specific ones, and a text with fewer details.
func (c told) orLess(documented *regexp.Regexp) *regexp.Regexp {
	texts := []string{"unknown"}
	for _, id := range slices.Concat(c.causes, c.otherwise) {
		texts = append(texts, textOf(id))
	}
	return regexp.MustCompile(documented.String() + "|^" + whyLine + "(?:" + strings.Join(texts, "|") + ")$")
}

// causeTable has the causes by their identifiers.
var causeTable = sync.OnceValue(func() map[string]*explain.Cause {
	t, err := explain.Load()
	if err != nil {
		panic(err)
	}
	all := map[string]*explain.Cause{}
	for _, c := range t.Causes() {
		all[c.ID] = c
	}
	return all
})

var valueInText = regexp.MustCompile(`\\\{[a-z0-9_.\\]+\\\}`)

// textOf returns a regular expression for the text of a cause with any values.
func textOf(id string) string {
	text := regexp.QuoteMeta(partCondition.ReplaceAllString(causeTable()[id].Text, "[["))
	text = strings.NewReplacer(`\[\[`, "(?:", `\]\]`, ")?").Replace(text)
	return valueInText.ReplaceAllString(text, ".*")
}

// partCondition is the condition of an optional part of a text.
var partCondition = regexp.MustCompile(`\[\[if .*?: `)

// notes returns a regular expression for the notes after the text of a cause, of which the document has none: they need
// function probes.
var notes = sync.OnceValue(func() string {
	var texts []string
	for id, c := range causeTable() {
		if c.Note {
			texts = append(texts, textOf(id))
		}
	}
	return "(?:; (?:" + strings.Join(texts, "|") + "))*"
})
