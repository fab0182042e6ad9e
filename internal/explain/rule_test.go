// SPDX-License-Identifier: Apache-2.0

package explain

import "testing"

// TestRefusingRules checks that a rule that refuses a packet is the cause instead of its route, that each rule has its own
// count, and that a table is named only if its route refuses the packet.
func TestRefusingRules(t *testing.T) {
	table := load(t)
	at := func(error uint64, more Values) Values {
		v := Values{"error": number(error), "forwarding": number(1), "dev": {Text: "lan"}, "src": {Text: "10.1.0.2"}, "dst": {Text: "10.2.0.2"}, "mark": {Text: "0x0"}}
		for key, value := range more {
			v[key] = value
		}
		return v
	}
	searched := Values{"way.error": number(11), "way.table": {Text: "local"}}
	rule := func(error uint64, kind, decision string) Values {
		return Values{decision + ".error": number(error), decision + ".priority": {Number: 80, Text: "80"}, decision + ".type": {Text: kind}, "way.error": number(11), "way.table": {Text: "local"}}
	}
	for _, test := range []struct {
		location           string
		values             Values
		cause, text, group string
	}{
		{"ip_error+0x97", at(101, rule(101, "unreachable", "route_rule")), "rule-refuses", "the rule with priority 80 is of type unreachable: it refuses packets from 10.1.0.2 to 10.2.0.2", "80"},
		{"ip_error+0x97", at(13, rule(13, "prohibit", "route_rule")), "rule-refuses", "the rule with priority 80 is of type prohibit: it refuses packets from 10.1.0.2 to 10.2.0.2", "80"},
		{"ip_error+0x97", at(101, rule(13, "prohibit", "route_rule")), "no-route", "no route to 10.2.0.2 for a packet from lan (last table searched: local), mark 0x0", ""},
		{"ip_error+0x97", at(13, searched), "route-prohibit", "the route or the rule for 10.2.0.2 is of type prohibit", ""},
		{"ip_error+0x97", at(13, Values{"way.error": number(13), "way.table": {Text: "72"}, "way.refusing": {Text: "72"}}), "route-prohibit", "the route or the rule for 10.2.0.2 is of type prohibit (table 72)", ""},
		{"ip6_pkt_drop+0xf3", at(101, rule(101, "unreachable", "route_rule6")), "ipv6-rule-refuses", "the rule with priority 80 is of type unreachable: it refuses packets from 10.1.0.2 to 10.2.0.2", "80"},
		{"ip6_pkt_drop+0xf3", at(101, nil), "ipv6-no-route", "no route to 10.2.0.2 for a packet from lan", ""},
	} {
		a := table.Explain(&Drop{Reason: Unspecified, Location: test.location, Values: test.values})
		if got := causeOf(a); got != test.cause || a.Text != test.text || a.Group != test.group {
			t.Errorf("%s, %v:\n got %s, %q, group %q\nwant %s, %q, group %q", test.location, test.values, got, a.Text, a.Group, test.cause, test.text, test.group)
		}
	}
}
