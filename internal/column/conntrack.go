// SPDX-License-Identifier: Apache-2.0

package column

import (
	"time"

	"tracer/internal/event"
)

func conntrackColumns() []Column {
	return []Column{{
		Name: "conntrack", Header: "CONNTRACK", Key: "conntrack", Type: Object, Width: 40, Screen: asked(20, 40),
		Help:  "state of the packet's connection (--output-conntrack)",
		Group: Conntrack, Text: conntrackText, JSON: conntrackJSON,
	}}
}

// conntrackText appends one word like NEW:CONFIRMED|ASSURED,tcp=SYN_SENT,mark=0x1,zone=2,left=119s,
// with both tuples if the addresses of the connection are translated.
func conntrackText(dst []byte, e *event.Event) []byte {
	c := e.Conntrack
	if c == nil || c.State == event.NotTracked {
		return append(dst, '-')
	}
	dst = append(dst, c.State.String()...)
	if !c.Known {
		return dst
	}
	if c.Status != 0 {
		dst = appendStatus(append(dst, ':'), c.Status, "|", "")
	}
	if c.Original.Protocol == protocolTCP {
		dst = append(append(dst, ",tcp="...), c.TCPState.String()...)
	}
	if c.Mark != 0 {
		dst = appendHex(append(dst, ",mark="...), uint64(c.Mark))
	}
	if c.Zone != 0 {
		dst = appendUint(append(dst, ",zone="...), uint64(c.Zone))
	}
	dst = appendLeft(dst, c)
	return appendTranslation(dst, c)
}

// appendLeft appends the seconds until the timeout. It appends nothing for an unconfirmed entry, whose
// timeout has not started.
func appendLeft(dst []byte, c *event.Conntrack) []byte {
	if !c.Confirmed() {
		return dst
	}
	return append(appendUint(append(dst, ",left="...), seconds(c.Left)), 's')
}

func seconds(d time.Duration) uint64 { return uint64(d / time.Second) }

// appendStatus appends the names of the bits that are set; a bit without a name is printed as a number.
func appendStatus(dst []byte, status uint32, between, quote string) []byte {
	first := true
	for i := range 32 {
		if status>>i&1 == 0 {
			continue
		}
		if !first {
			dst = append(dst, between...)
		}
		dst, first = append(dst, quote...), false
		if i < len(event.StatusNames) {
			dst = append(dst, event.StatusNames[i]...)
		} else {
			dst = appendHex(dst, 1<<i)
		}
		dst = append(dst, quote...)
	}
	return dst
}

func appendTranslation(dst []byte, c *event.Conntrack) []byte {
	if !c.Translated() {
		return dst
	}
	dst = appendEndpoints(append(dst, ",original="...), &c.Original)
	return appendEndpoints(append(dst, ",reply="...), &c.Reply)
}

func conntrackJSON(dst []byte, e *event.Event) []byte {
	c := e.Conntrack
	if c == nil || c.State == event.NotTracked {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"ctinfo":`...), c.State.String())
	if !c.Known {
		return append(dst, `,"status":null,"zone":null,"mark":null,"tcp_state":null,"timeout":null,"original":null,"reply":null}`...)
	}
	dst = append(appendStatus(append(appendKey(dst, "status"), '['), c.Status, ",", `"`), ']')
	dst = appendOptional(dst, "zone", c.HasZone, uint64(c.Zone))
	dst = appendOptional(dst, "mark", c.HasMark, uint64(c.Mark))
	dst = appendTCPState(appendKey(dst, "tcp_state"), c)
	dst = appendMember(dst, "timeout", seconds(c.Left))
	dst = appendDirection(appendKey(dst, "original"), &c.Original)
	dst = appendDirection(appendKey(dst, "reply"), &c.Reply)
	return append(dst, '}')
}

// appendOptional appends a member with a number, or null if known is false.
func appendOptional(dst []byte, key string, known bool, n uint64) []byte {
	if !known {
		return appendNull(appendKey(dst, key))
	}
	return appendMember(dst, key, n)
}

func appendTCPState(dst []byte, c *event.Conntrack) []byte {
	if c.Original.Protocol != protocolTCP {
		return appendNull(dst)
	}
	return appendJSONString(dst, c.TCPState.String())
}

// appendDirection appends an object like that of a tuple, with the members that conntrack has.
func appendDirection(dst []byte, t *event.Tuple) []byte {
	dst = append(append(append(dst, `{"network":"`...), networkName(t.Network)...), '"')
	dst = appendEndpointMembers(dst, t)
	if isICMP(t) {
		dst = append(appendICMPID(append(appendKey(dst, "icmp"), '{'), &t.ICMP), '}')
	}
	return append(dst, '}')
}

func appendICMPID(dst []byte, m *event.ICMP) []byte {
	dst = appendUint(append(dst, `"type":`...), uint64(m.Type))
	dst = appendMember(dst, "code", uint64(m.Code))
	return appendMember(dst, "id", uint64(m.ID))
}
