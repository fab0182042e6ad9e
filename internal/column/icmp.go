// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

// message has the names of an ICMP type and of its codes.
type message struct {
	name  string
	codes []string
}

var icmpMessages = [256]message{
	0: {name: "echo-reply"},
	3: {"unreachable", []string{
		"net", "host", "protocol", "port", "fragmentation-needed", "source-route-failed", "net-unknown", "host-unknown",
		"host-isolated", "net-prohibited", "host-prohibited", "net-tos", "host-tos", "filtered", "precedence-violation",
		"precedence-cutoff",
	}},
	4:  {name: "source-quench"},
	5:  {"redirect", []string{"net", "host", "net-tos", "host-tos"}},
	8:  {name: "echo-request"},
	9:  {name: "router-advertisement"},
	10: {name: "router-solicitation"},
	11: {"time-exceeded", []string{"ttl", "reassembly"}},
	12: {"parameter-problem", []string{"pointer", "missing-option", "bad-length"}},
	13: {name: "timestamp-request"},
	14: {name: "timestamp-reply"},
	17: {name: "address-mask-request"},
	18: {name: "address-mask-reply"},
	42: {name: "extended-echo-request"},
	43: {name: "extended-echo-reply"},
}

var icmp6Messages = [256]message{
	1: {"unreachable", []string{
		"no-route", "prohibited", "beyond-scope", "address", "port", "source-policy", "route-rejected", "source-route",
	}},
	2: {name: "packet-too-big"},
	3: {"time-exceeded", []string{"hop-limit", "reassembly"}},
	4: {"parameter-problem", []string{"header-field", "next-header", "option"}},

	128: {name: "echo-request"},
	129: {name: "echo-reply"},
	130: {name: "listener-query"},
	131: {name: "listener-report"},
	132: {name: "listener-done"},
	133: {name: "router-solicitation"},
	134: {name: "router-advertisement"},
	135: {name: "neighbour-solicitation"},
	136: {name: "neighbour-advertisement"},
	137: {name: "redirect"},
	143: {name: "listener-report-v2"},
	160: {name: "extended-echo-request"},
	161: {name: "extended-echo-reply"},
}

func isICMP(t *event.Tuple) bool {
	return t.Network == event.IPv4 && t.Protocol == protocolICMP || t.Network == event.IPv6 && t.Protocol == protocolICMP6
}

// hasICMP reports whether the packet contains the type and code.
func hasICMP(t *event.Tuple) bool { return isICMP(t) && t.ICMP.Recorded }

func messageOf(t *event.Tuple) *message {
	if t.Network == event.IPv6 {
		return &icmp6Messages[t.ICMP.Type]
	}
	return &icmpMessages[t.ICMP.Type]
}

// appendICMP appends text like `echo-request,id=4660,seq=1`, `unreachable,port` or `type=200,code=3`.
func appendICMP(dst []byte, t *event.Tuple) []byte {
	m := messageOf(t)
	if m.name == "" {
		dst = appendUint(append(dst, "type="...), uint64(t.ICMP.Type))
	}
	dst = append(dst, m.name...)
	dst = appendICMPCode(dst, m, t.ICMP.Code)
	return appendEcho(dst, &t.ICMP)
}

// appendICMPCode appends the code. It omits code 0 of a known type that has no codes.
func appendICMPCode(dst []byte, m *message, code uint8) []byte {
	switch {
	case int(code) < len(m.codes):
		return append(append(dst, ','), m.codes[code]...)
	case code == 0 && m.name != "":
		return dst
	}
	return appendUint(append(dst, ",code="...), uint64(code))
}

func appendEcho(dst []byte, m *event.ICMP) []byte {
	if !m.Echo {
		return dst
	}
	dst = appendUint(append(dst, ",id="...), uint64(m.ID))
	return appendUint(append(dst, ",seq="...), uint64(m.Seq))
}

func appendICMPMember(dst []byte, t *event.Tuple) []byte {
	dst = append(appendKey(dst, "icmp"), `{"type":`...)
	dst = appendUint(dst, uint64(t.ICMP.Type))
	dst = appendMember(dst, "code", uint64(t.ICMP.Code))
	dst = appendStringOrNull(appendKey(dst, "name"), messageOf(t).name)
	if t.ICMP.Echo {
		dst = appendMember(dst, "id", uint64(t.ICMP.ID))
		dst = appendMember(dst, "seq", uint64(t.ICMP.Seq))
	}
	return append(dst, '}')
}
