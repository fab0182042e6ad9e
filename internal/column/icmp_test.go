// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func icmp(m event.ICMP) event.Tuple {
	return ip4(1, func(t *event.Tuple) { t.ICMP = m })
}

func icmp6(m event.ICMP) event.Tuple {
	return ip6(58, func(t *event.Tuple) { t.ICMP = m })
}

func TestICMPText(t *testing.T) {
	for _, c := range []struct {
		tuple event.Tuple
		want  string
	}{
		{icmp(event.ICMP{Recorded: true, Type: 8, Echo: true, ID: 4660, Seq: 1}), "10.0.2.15:0->8.8.8.8:0(icmp,echo-request,id=4660,seq=1)"},
		{icmp(event.ICMP{Recorded: true, Echo: true}), "10.0.2.15:0->8.8.8.8:0(icmp,echo-reply,id=0,seq=0)"},
		{icmp(event.ICMP{Recorded: true, Type: 3, Code: 3}), "10.0.2.15:0->8.8.8.8:0(icmp,unreachable,port)"},
		{icmp(event.ICMP{Recorded: true, Type: 3, Code: 99}), "10.0.2.15:0->8.8.8.8:0(icmp,unreachable,code=99)"},
		{icmp(event.ICMP{Recorded: true, Type: 11}), "10.0.2.15:0->8.8.8.8:0(icmp,time-exceeded,ttl)"},
		{icmp(event.ICMP{Recorded: true, Type: 8, Code: 1, Echo: true}), "10.0.2.15:0->8.8.8.8:0(icmp,echo-request,code=1,id=0,seq=0)"},
		{icmp(event.ICMP{Recorded: true, Type: 200}), "10.0.2.15:0->8.8.8.8:0(icmp,type=200,code=0)"},
		{icmp(event.ICMP{Recorded: true}), "10.0.2.15:0->8.8.8.8:0(icmp,echo-reply)"},
		{icmp(event.ICMP{}), "10.0.2.15:0->8.8.8.8:0(icmp)"},
		{icmp6(event.ICMP{Recorded: true, Type: 135}), "[fe80::1]:0->[2001:db8::2]:0(icmp6,neighbour-solicitation)"},
		{icmp6(event.ICMP{Recorded: true, Type: 128, Echo: true, ID: 1, Seq: 2}), "[fe80::1]:0->[2001:db8::2]:0(icmp6,echo-request,id=1,seq=2)"},
		{icmp6(event.ICMP{Recorded: true, Type: 1, Code: 4}), "[fe80::1]:0->[2001:db8::2]:0(icmp6,unreachable,port)"},
		{icmp6(event.ICMP{Recorded: true}), "[fe80::1]:0->[2001:db8::2]:0(icmp6,type=0,code=0)"},
		{icmp6(event.ICMP{}), "[fe80::1]:0->[2001:db8::2]:0(icmp6)"},
	} {
		if got, _ := cell(t, "tuple", event.Event{Tuple: c.tuple}); got != c.want {
			t.Errorf("%+v is %q, want %q", c.tuple.ICMP, got, c.want)
		}
	}
}

func TestICMPJSON(t *testing.T) {
	const head = `{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","proto":1,"protocol":"icmp",`
	for m, want := range map[event.ICMP]string{
		{Recorded: true, Type: 8, Echo: true, ID: 4660, Seq: 1}: `"icmp":{"type":8,"code":0,"name":"echo-request","id":4660,"seq":1},`,
		{Recorded: true, Echo: true}:                            `"icmp":{"type":0,"code":0,"name":"echo-reply","id":0,"seq":0},`,
		{Recorded: true, Type: 3, Code: 3}:                      `"icmp":{"type":3,"code":3,"name":"unreachable"},`,
		{Recorded: true, Type: 200}:                             `"icmp":{"type":200,"code":0,"name":null},`,
		{}:                                                      "",
	} {
		_, got := cell(t, "tuple", event.Event{Tuple: icmp(m)})
		if full := head + want + `"fragment":false}`; got != full {
			t.Errorf("%+v is %s, want %s", m, got, full)
		}
	}
}

// TestICMPOfTheOtherFamily checks that ICMPv6 in IPv4 and ICMP in IPv6 are not decoded: the two protocols
// use the same type numbers for different messages.
func TestICMPOfTheOtherFamily(t *testing.T) {
	for _, tuple := range []event.Tuple{ip4(58, plain), ip6(1, plain)} {
		tuple.ICMP = event.ICMP{Recorded: true, Type: 8, Echo: true}
		if text, _ := cell(t, "tuple", event.Event{Tuple: tuple}); text != "10.0.2.15->8.8.8.8(icmp6)" && text != "[fe80::1]->[2001:db8::2](icmp)" {
			t.Errorf("%+v is %q, want no details", tuple, text)
		}
	}
}
