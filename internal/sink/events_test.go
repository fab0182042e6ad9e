// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"
	"slices"

	"tracer/internal/event"
)

// sample is an event with a name for messages.
type sample struct {
	name  string
	event event.Event
}

// samples returns events of each kind that a run can print.
func samples() []sample {
	return slices.Concat(packetSamples(), oddSamples(), deepSamples(), recordSamples())
}

// base returns an event of the outgoing ping in the documentation.
func base() event.Event {
	e := event.Event{
		Kind: event.Function, CPU: 0, Time: 1234567890123456, Skb: 0xffff00005f10c300, Addr: 0xffff800080a0b0c0,
		Process: event.Process{PID: 42701, TID: 42702},
		Meta:    event.Meta{Netns: 4026531840, Ifindex: 2, Mark: 0xc00, Len: 84, MTU: 1500, Protocol: 0x0800},
		Tuple:   ping(8),
		CB:      &event.CB{},
		Names:   event.Names{Func: "ip_output", WallTime: 1767323045000000123 + 678900000, SinceLast: 41250},
	}
	copy(e.Process.Comm[:], "ping")
	copy(e.Meta.Ifname[:], "eth0")
	return e
}

func ping(kind uint8) event.Tuple {
	return event.Tuple{
		Network: event.IPv4, Protocol: 1, EtherType: 0x0800,
		Source: netip.MustParseAddr("10.0.2.15"), Dest: netip.MustParseAddr("8.8.8.8"),
		ICMP: event.ICMP{Recorded: true, Type: kind, Echo: true, ID: 4660, Seq: 1},
	}
}

func changed(name string, change func(*event.Event)) sample {
	e := base()
	change(&e)
	return sample{name, e}
}

func packetSamples() []sample {
	return []sample{
		changed("before the route", func(e *event.Event) {
			e.Names.Func, e.Names.SinceLast = "ip_send_skb", 0
			e.Meta = event.Meta{Netns: 4026531840, MTU: 1500, Len: 84}
		}),
		changed("ping", func(*event.Event) {}),
		changed("drop", func(e *event.Event) {
			e.Kind, e.Addr, e.CPU = event.Tracepoint, 3, 1
			e.Names.Func, e.Names.Reason, e.Names.Location = "kfree_skb", "SKB_DROP_REASON_NO_SOCKET", "icmp_rcv+0x1a3"
			e.Drop = event.Drop{Dropped: true, HasReason: true, Reason: 3, Location: 0xffff800080a0b1a3}
			e.Why = &event.Why{
				Cause: "no-listener", Text: "no socket listens on \n", Remedy: "ss -lunp", Evidence: []string{"icmp_rcv"},
				Values: []event.Fact{{Key: "port", Kind: event.NumberFact, Text: []byte("53"), Number: 53}},
			}
		}),
		changed("tcp over IPv6 in a vlan", func(e *event.Event) {
			e.Meta.Protocol, e.Meta.Len = 0x86dd, 524280
			e.Tuple = tcp6()
			e.Tuple.HasVLAN, e.Tuple.VLAN = true, 100
		}),
		changed("udp fragment, module", func(e *event.Event) {
			e.Names.Func, e.Names.Module = "nf_nat_inet_fn", "nf_nat"
			e.Tuple.Protocol, e.Tuple.ICMP = 17, event.ICMP{}
			e.Tuple.Fragment, e.Tuple.FragmentOffset = true, 1480
		}),
		changed("arp", func(e *event.Event) {
			e.Meta.Protocol = 0x0806
			e.Tuple.Network, e.Tuple.Protocol, e.Tuple.EtherType, e.Tuple.ARPOperation = event.ARP, 0, 0x0806, 1
		}),
	}
}

func tcp6() event.Tuple {
	return event.Tuple{
		Network: event.IPv6, Protocol: 6, EtherType: 0x86dd, Ports: true, SourcePort: 43210, DestPort: 443, HasTCPFlags: true, TCPFlags: 0x12,
		Source: netip.MustParseAddr("fe80::5054:ff:fe12:3456"), Dest: netip.MustParseAddr("2001:db8::1"),
	}
}

func oddSamples() []sample {
	return []sample{
		changed("hostile names", func(e *event.Event) {
			e.Process.Comm = [16]byte{'a', '"', '\\', '\n', 0x1b, '[', '3', '1', 'm', 0xff, 0xc3, 0xa9, 0x7f, '\r', ' '}
			e.Meta.Ifname = [16]byte{'e', '\n', '"', 0xfe}
		}),
		changed("widest usual values", func(e *event.Event) {
			copy(e.Process.Comm[:], "tokio-runtime-w")
			copy(e.Meta.Ifname[:], "lxc0123456789ab")
			e.Process.PID, e.CPU, e.Meta.Ifindex = 4194304, 511, 99999
			e.Meta.Netns, e.Meta.Mark, e.Meta.MTU, e.Meta.Protocol = 4294967295, 0xffffffff, 65536, 0xffff
			e.Time, e.Names.SinceLast = 123456789012345678, 123456789012345678
		}),
		changed("nothing but zero", func(e *event.Event) { *e = event.Event{Kind: event.Function} }),
		changed("netlink", func(e *event.Event) { e.Tuple = event.Tuple{Network: event.Netlink} }),
		changed("unix", func(e *event.Event) { e.Tuple = event.Tuple{Network: event.Unix} }),
		changed("vsock", func(e *event.Event) { e.Tuple = event.Tuple{Network: event.OtherSocket, SocketFamily: 40} }),
		changed("lldp", func(e *event.Event) { e.Tuple = event.Tuple{Network: event.OtherNetwork, EtherType: 0x88cc} }),
		changed("no names", func(e *event.Event) {
			e.Names, e.Meta.Ifname = event.Names{}, [16]byte{}
			e.Drop = event.Drop{Dropped: true, HasReason: true, Reason: 77, Location: 0xffff800080a0b1a3}
		}),
	}
}

// deepSamples returns events with optional parts: tunnel, stack, dumps and values of expressions.
func deepSamples() []sample {
	return []sample{
		changed("vxlan, called by a module", func(e *event.Event) {
			e.Tuple.Protocol, e.Tuple.ICMP = 17, event.ICMP{}
			e.Tuple.Ports, e.Tuple.SourcePort, e.Tuple.DestPort = true, 40000, 4789
			e.Tunnel = &event.Tunnel{Kind: event.VXLAN, HasID: true, ID: 42, Tuple: ping(8)}
			e.CB, e.Names.Netns = &event.CB{1, 2, 3, 4, 0xffffffff}, "cni-01234567-89ab-cdef"
			e.Names.Caller, e.Stack = "vxlan_xmit+0x5c [vxlan]", stack()
		}),
		changed("tcp, with dumps and values", func(e *event.Event) {
			e.Tuple = tcp6()
			e.Tuple.TCP = event.TCP{Recorded: true, Seq: 4000000000, Ack: 1, Window: 64240}
			e.Names.Netns = "blue"
			e.SkbDump = shownAs("(struct sk_buff){\n  len = 84,\n}", `{"len":84,"cb":[0,1]}`)
			e.SharedInfo = shownAs("(struct skb_shared_info){}", `{}`)
			e.Values = []event.NamedValue{{Name: "skb->dev->name", Value: shownAs("eth0", `"eth0"`)}, {Name: "skb->sk->sk_mark"}}
		}),
	}
}

func stack() []event.Frame {
	return []event.Frame{
		{Addr: 0xffff800080a0b0c0, Symbol: "ip_output"},
		{Addr: 0xffff80007a0b005c, Symbol: "vxlan_xmit", Module: "vxlan", Offset: 0x5c},
		{Addr: 0xffff800012345678},
	}
}

func shownAs(text, json string) *event.Value {
	return &event.Value{Text: []byte(text), JSON: []byte(json)}
}

func reasons() []event.ReasonCount {
	return []event.ReasonCount{{Name: "SKB_DROP_REASON_NETFILTER_DROP", Count: 2}, {Count: 1}}
}

func recordSamples() []sample {
	return []sample{
		{"lost one", event.Event{Kind: event.Lost, CPU: 0, Loss: &event.Loss{Count: 1}}},
		{"lost", event.Event{Kind: event.Lost, CPU: 1, Loss: &event.Loss{Count: 27}}},
		{"summary", event.Event{Kind: event.Summary, Totals: &event.Totals{
			Matched: 145, Printed: 118, Packets: 4, Dropped: 3, DropReasons: reasons(), Lost: [event.LossCauses]uint64{27}, Duration: 5_200_000_000,
		}}},
	}
}
