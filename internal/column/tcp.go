// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

// tcpFlagNames are the names of the flags from bit 0 on.
var tcpFlagNames = [8]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"}

// hasTCP reports whether the packet contains the TCP header at least up to the flags.
func hasTCP(t *event.Tuple) bool { return isIP(t) && t.Protocol == protocolTCP && t.HasTCPFlags }

// appendTCP appends text like `:SYN|ACK`, or `:SYN|ACK,seq=1,ack=2,win=64240`.
func (f tupleForm) appendTCP(dst []byte, t *event.Tuple) []byte {
	if f.flags && t.TCPFlags != 0 {
		dst = appendTCPFlags(append(dst, ':'), t.TCPFlags)
	}
	if f.seq && t.TCP.Recorded {
		dst = appendUint(append(dst, ",seq="...), uint64(t.TCP.Seq))
		dst = appendUint(append(dst, ",ack="...), uint64(t.TCP.Ack))
		dst = appendUint(append(dst, ",win="...), uint64(t.TCP.Window))
	}
	return dst
}

// appendTCPFlags appends text like SYN|ACK.
func appendTCPFlags(dst []byte, flags uint8) []byte {
	first := true
	for i, name := range tcpFlagNames {
		if flags>>i&1 == 0 {
			continue
		}
		if !first {
			dst = append(dst, '|')
		}
		dst, first = append(dst, name...), false
	}
	return dst
}

func appendTCPMembers(dst []byte, t *event.Tuple) []byte {
	dst = appendMember(dst, "flags", uint64(t.TCPFlags))
	dst = appendQuote(appendKey(dst, "tcp_flags"))
	dst = appendQuote(appendTCPFlags(dst, t.TCPFlags))
	if t.TCP.Recorded {
		dst = appendMember(dst, "seq", uint64(t.TCP.Seq))
		dst = appendMember(dst, "ack", uint64(t.TCP.Ack))
		dst = appendMember(dst, "window", uint64(t.TCP.Window))
	}
	return dst
}
