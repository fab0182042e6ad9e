// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func name(s string) (b [64]byte) {
	copy(b[:], s)
	return b
}

func TestNetfilter(t *testing.T) {
	for _, test := range []struct {
		hook       *event.Netfilter
		text, json string
	}{
		{nil, "-", "null"},
		{&event.Netfilter{Family: event.IPv4Family, Hook: 1},
			"ipv4/INPUT", `{"family":"ipv4","hook":"INPUT","priority":null,"by":null,"table_family":null,"table":null,"chain":null}`},
		{&event.Netfilter{Family: event.IPv6Family, Hook: 0, HasPriority: true, Priority: -200},
			"ipv6/PREROUTING,prio=-200", `{"family":"ipv6","hook":"PREROUTING","priority":-200,"by":null,"table_family":null,"table":null,"chain":null}`},
		{&event.Netfilter{
			Family: event.IPv4Family, Hook: 1, HasPriority: true,
			Object: event.NFTables, TableFamily: event.InetFamily, Table: name("filter"), Chain: name("in\nput"),
		},
			`ipv4/INPUT,prio=0,nft:inet/filter/in\x0aput`, `{"family":"ipv4","hook":"INPUT","priority":0,"by":"nft","table_family":"inet","table":"filter","chain":"in\u000aput"}`},
		{&event.Netfilter{Family: event.IPv4Family, Hook: 2, HasPriority: true, Priority: -150, Object: event.Xtables, Table: name("mangle")},
			"ipv4/FORWARD,prio=-150,iptables:mangle/FORWARD", `{"family":"ipv4","hook":"FORWARD","priority":-150,"by":"iptables","table_family":"ipv4","table":"mangle","chain":"FORWARD"}`},
		{&event.Netfilter{Family: event.ARPFamily, Hook: 1, Object: event.Xtables, Table: name("filter")},
			"arp/OUTPUT,arptables:filter/OUTPUT", `{"family":"arp","hook":"OUTPUT","priority":null,"by":"arptables","table_family":"arp","table":"filter","chain":"OUTPUT"}`},
		{&event.Netfilter{Family: event.IPv6Family, Hook: 4, Object: event.Xtables, Table: name("nat")},
			"ipv6/POSTROUTING,ip6tables:nat/POSTROUTING", `{"family":"ipv6","hook":"POSTROUTING","priority":null,"by":"ip6tables","table_family":"ipv6","table":"nat","chain":"POSTROUTING"}`},
		{&event.Netfilter{Family: event.BridgeFamily, Hook: 5, Object: event.Ebtables, Table: name("broute")},
			"bridge/BROUTING,ebtables:broute/BROUTING", `{"family":"bridge","hook":"BROUTING","priority":null,"by":"ebtables","table_family":"bridge","table":"broute","chain":"BROUTING"}`},
		{&event.Netfilter{Family: event.NetdevFamily, Hook: 1},
			"netdev/EGRESS", `{"family":"netdev","hook":"EGRESS","priority":null,"by":null,"table_family":null,"table":null,"chain":null}`},
		{&event.Netfilter{Family: 77, Hook: 99},
			"unknown/unknown", `{"family":"unknown","hook":"unknown","priority":null,"by":null,"table_family":null,"table":null,"chain":null}`},
	} {
		checkCell(t, "netfilter", event.Event{Netfilter: test.hook}, test.text, test.json)
	}
}
