// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/format"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// enum is an enum of bpf/core/event.h that package event has, too.
type enum struct {
	c, goType string
	// add is added to the numbers in C; it is 1 if 0 means none in Go.
	add uint64
	// members are all members in C. Those without a Go name are never in a record.
	members []member
}

type member struct{ c, goName, doc string }

var enums = []enum{
	{c: "tuple_network", goType: "Network", members: []member{
		{"NETWORK_NONE", "NoPacket", "NoPacket is an skb that has no packet yet, or none at all."},
		{"NETWORK_IPV4", "IPv4", ""},
		{"NETWORK_IPV6", "IPv6", ""},
		{"NETWORK_ARP", "ARP", ""},
		{"NETWORK_OTHER", "OtherNetwork", "OtherNetwork is a packet with an Ethertype that is not parsed."},
		{"NETWORK_NETLINK", "Netlink", "Netlink, Unix and OtherSocket are skbs that only carry data between sockets."},
		{"NETWORK_UNIX", "Unix", ""},
		{"NETWORK_SOCKET", "OtherSocket", ""},
		{"NETWORK_LLC", "LLC", "LLC is an 802.3 frame, which has a length instead of an Ethertype."},
	}},
	{c: "tunnel_kind", goType: "TunnelKind", members: []member{
		{"TUNNEL_NONE", "NoTunnel", "NoTunnel is a packet that contains no other packet."},
		{"TUNNEL_VXLAN", "VXLAN", ""},
		{"TUNNEL_GENEVE", "Geneve", ""},
		{"TUNNEL_GRE", "GRE", ""},
		{"TUNNEL_IPIP", "IPIP", ""},
		{"TUNNEL_OTHER", "OtherTunnel", "OtherTunnel is a tunnel of an unknown kind that the kernel has marked in the sk_buff."},
		{"TUNNEL_VXLAN_GPE", "VXLANGPE", "VXLANGPE is VXLAN with the generic protocol extension: the header names the inner protocol."},
	}},
	{c: "first_by", goType: "FirstBy", members: []member{
		{"FIRST_UNKNOWN", "FirstUnknown", "FirstUnknown means that no first tuple is known."},
		{"FIRST_FOLLOWED", "FirstFollowed", "FirstFollowed means that the packet has been followed since it had this tuple."},
		{"FIRST_CONNECTION", "FirstConnection", "FirstConnection is the tuple before NAT, FirstTranslated the tuple after NAT. Both are from the\n// packet's conntrack entry."},
		{"FIRST_TRANSLATED", "FirstTranslated", ""},
		{"FIRST_INNER", "FirstInner", "FirstInner is the tuple of the packet inside a tunnel packet."},
		{"FIRST_QUOTED", "FirstQuoted", "FirstQuoted is the tuple of the packet that an ICMP error is about."},
	}},
	{c: "origin", goType: "Origin", members: []member{
		{"ORIGIN_NONE", "First", "First is the sk_buff that matched."},
		{"ORIGIN_CLONE", "Clone", "Clone shares the data, Copy has its own."},
		{"ORIGIN_COPY", "Copy", ""},
		{"ORIGIN_SEGMENT", "Segment", "Segment and Fragment are pieces of a larger packet."},
		{"ORIGIN_FRAGMENT", "Fragment", ""},
		{"ORIGIN_MERGE", "Merged", "Merged was merged into another packet, and has the number of that packet."},
		{"ORIGIN_INNER", "Inner", "Inner was decapsulated from a tunnel packet, Outer was encapsulated into one."},
		{"ORIGIN_OUTER", "Outer", ""},
		{"ORIGIN_XDP", "FromXDP", "FromXDP was built from an XDP frame."},
		{"ORIGIN_STACK", "SameStack", "SameStack was allocated while the packet was handled."},
		{"ORIGIN_SAME", "", ""},
	}},
	{c: "hook_object", goType: "HookObject", members: []member{
		{"HOOK_PLAIN", "PlainHook", "PlainHook is a hook function without a table or chain."},
		{"HOOK_NFT", "NFTables", "NFTables is a chain of nftables."},
		{"HOOK_XTABLES", "Xtables", "Xtables is a table of iptables, ip6tables or arptables, Ebtables one of ebtables."},
		{"HOOK_EBTABLES", "Ebtables", ""},
	}},
	{c: "map_operation", goType: "MapOperation", add: 1, members: []member{
		{"MAP_LOOKUP", "MapLookup", "MapLookup reads a value, MapUpdate sets one and MapDelete deletes one."},
		{"MAP_UPDATE", "MapUpdate", ""},
		{"MAP_DELETE", "MapDelete", ""},
	}},
}

// eventEnums generates the constants of package event, with the numbers that the members have in C.
func eventEnums(spec *ebpf.CollectionSpec) ([]byte, error) {
	var b strings.Builder
	b.WriteString(header("event"))
	for _, e := range enums {
		if err := e.write(&b, spec.Types); err != nil {
			return nil, err
		}
	}
	return format.Source([]byte(b.String()))
}

func (e enum) write(b *strings.Builder, types *btf.Spec) error {
	numbers, err := e.numbers(types)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "// The values of %s, with the numbers of enum %s.\nconst (\n", e.goType, e.c)
	for _, m := range e.members {
		if m.goName == "" {
			continue
		}
		if m.doc != "" {
			fmt.Fprintf(b, "// %s\n", m.doc)
		}
		fmt.Fprintf(b, "%s %s = %d\n", m.goName, e.goType, numbers[m.c]+e.add)
	}
	b.WriteString(")\n\n")
	return nil
}

// numbers returns the numbers of the members in C. Both sides must have the same members.
func (e enum) numbers(types *btf.Spec) (map[string]uint64, error) {
	var found *btf.Enum
	if err := types.TypeByName(e.c, &found); err != nil {
		return nil, fmt.Errorf("enum %s: %w", e.c, err)
	}
	numbers := map[string]uint64{}
	for _, v := range found.Values {
		numbers[v.Name] = v.Value
	}
	for _, m := range e.members {
		if _, has := numbers[m.c]; !has {
			return nil, fmt.Errorf("enum %s has no member %s", e.c, m.c)
		}
	}
	if len(numbers) != len(e.members) {
		return nil, fmt.Errorf("enum %s has %d members, and %d of them have a name in Go", e.c, len(numbers), len(e.members))
	}
	return numbers, nil
}
