// SPDX-License-Identifier: Apache-2.0

package filter

import "testing"

func TestTestedHeadersAndFields(t *testing.T) {
	for expr, want := range map[string]struct{ transport, addresses, ports bool }{
		"icmp":                              {},
		"arp":                               {},
		"ip6":                               {},
		"ip[6:2] & 0x1fff != 0":             {transport: false},
		"port 53":                           {transport: true, ports: true},
		"udp dst portrange 1-10":            {transport: true, ports: true},
		"ip6 and udp port 53":               {transport: true, ports: true},
		"vlan and ip6 and udp port 53":      {transport: true},
		"ip6 and udp":                       {},
		"icmp6":                             {},
		"icmp[icmptype] = 8":                {transport: true},
		"tcp[tcpflags] & 2 != 0":            {transport: true},
		"host 10.0.0.1":                     {addresses: true},
		"src net 10.0.0.0/8":                {addresses: true},
		"ip6 host 2001:db8::1":              {addresses: true},
		"dst host 10.0.0.1 and tcp port 80": {transport: true, addresses: true, ports: true},
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.AsksTransport() != want.transport || p.AsksAddresses() != want.addresses || p.AsksPorts() != want.ports {
			t.Errorf("%s: transport %v, addresses %v, ports %v", expr, p.AsksTransport(), p.AsksAddresses(), p.AsksPorts())
		}
	}
}
