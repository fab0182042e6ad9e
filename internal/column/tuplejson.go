// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"

	"tracer/internal/event"
)

func tupleJSON(dst []byte, e *event.Event) []byte { return appendTupleObject(dst, &e.Tuple) }

// appendTupleObject appends an object whose first member is the kind of packet. Members that
// this kind does not have are absent; members that are zero are present.
func appendTupleObject(dst []byte, t *event.Tuple) []byte {
	dst = append(append(append(dst, `{"network":"`...), networkName(t.Network)...), '"')
	switch t.Network {
	case event.IPv4, event.IPv6:
		dst = appendIPMembers(dst, t)
	case event.ARP:
		dst = appendARPMembers(dst, t)
	case event.OtherNetwork:
		dst = appendEtherTypeMembers(dst, t.EtherType)
	case event.LLC:
		dst = appendLLCMembers(dst, t)
	case event.OtherSocket:
		dst = appendFamilyMembers(dst, t.SocketFamily)
	}
	return append(appendVLANMembers(dst, t), '}')
}

func networkName(n event.Network) string {
	switch n {
	case event.IPv4:
		return "ipv4"
	case event.IPv6:
		return "ipv6"
	case event.ARP:
		return "arp"
	case event.OtherNetwork:
		return "other"
	case event.Netlink:
		return "netlink"
	case event.Unix:
		return "unix"
	case event.OtherSocket:
		return "socket"
	case event.LLC:
		return "llc"
	}
	return "none"
}

func appendIPMembers(dst []byte, t *event.Tuple) []byte {
	dst = appendTransportMembers(appendEndpointMembers(dst, t), t)
	return appendFragmentMembers(dst, t)
}

// appendEndpointMembers appends the addresses, the ports and the protocol.
func appendEndpointMembers(dst []byte, t *event.Tuple) []byte {
	dst = appendAddressMembers(dst, t)
	if t.Ports {
		dst = appendMember(dst, "sport", uint64(t.SourcePort))
		dst = appendMember(dst, "dport", uint64(t.DestPort))
	}
	dst = appendMember(dst, "proto", uint64(t.Protocol))
	dst = appendQuote(appendKey(dst, "protocol"))
	return appendQuote(appendProtocol(dst, t.Protocol))
}

func appendTransportMembers(dst []byte, t *event.Tuple) []byte {
	switch {
	case hasTCP(t):
		return appendTCPMembers(dst, t)
	case hasICMP(t):
		return appendICMPMember(dst, t)
	}
	return dst
}

func appendVLANMembers(dst []byte, t *event.Tuple) []byte {
	if !t.HasVLAN {
		return dst
	}
	dst = appendMember(dst, "vlan", uint64(t.VLAN))
	if t.HasInnerVLAN {
		dst = appendMember(dst, "inner_vlan", uint64(t.InnerVLAN))
	}
	if t.Tags >= shownTags {
		dst = appendMember(dst, "third_vlan", uint64(t.ThirdVLAN))
	}
	if t.Tags > shownTags {
		dst = appendMember(dst, "vlan_tags", uint64(t.Tags))
	}
	return dst
}

func appendFragmentMembers(dst []byte, t *event.Tuple) []byte {
	dst = appendBool(appendKey(dst, "fragment"), t.Fragment)
	if t.Fragment {
		dst = appendMember(dst, "fragment_offset", uint64(t.FragmentOffset))
	}
	return dst
}

func appendAddressMembers(dst []byte, t *event.Tuple) []byte {
	dst = appendAddressMember(dst, "saddr", t.Source)
	return appendAddressMember(dst, "daddr", t.Dest)
}

func appendAddressMember(dst []byte, key string, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst
	}
	return appendQuote(a.AppendTo(appendQuote(appendKey(dst, key))))
}

// appendKey starts a member that is not the first of its object.
func appendKey(dst []byte, key string) []byte {
	return append(append(append(dst, `,"`...), key...), `":`...)
}

func appendMember(dst []byte, key string, n uint64) []byte {
	return appendUint(appendKey(dst, key), n)
}

func appendQuote(dst []byte) []byte { return append(dst, '"') }
