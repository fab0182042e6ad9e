// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"slices"
	"testing"

	"tracer/internal/ktest"
)

// withLength returns the packet with another length in its IP header: the total length in IPv4, the payload
// length in IPv6.
func withLength(packet []byte, length int) []byte {
	packet = slices.Clone(packet)
	at := 2
	if packet[0]>>4 == 6 {
		at = 4
	}
	binary.BigEndian.PutUint16(packet[at:], uint16(length))
	return packet
}

// TestPacketsEndAtTheirLength checks that bytes after the length in the IP header are not parsed, since they are
// padding. The length is 0 in a packet that is not complete yet, or that is too long for the field.
func TestPacketsEndAtTheirLength(t *testing.T) {
	four, six := ip(4, 1, protoUDP, udp(1, 2, nil)), ip(6, 1, protoUDP, udp(1, 2, nil))
	short4, short6 := withLength(four, 20), withLength(six, 2)
	const without4, without6 = outer4 + "(17)", outer6 + "(17)"
	carried := func(inner []byte) []byte { // in an IP-in-IP frame
		return ethernet(typeIPv4, ip(4, 8, protoIPIP, inner))
	}
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		for name, test := range map[string]struct {
			frame []byte
			want  string
		}{
			"IPv4":                   {ethernet(typeIPv4, four), without4 + "1>2"},
			"IPv6":                   {ethernet(typeIPv6, six), without6 + "1>2"},
			"IPv4 and padding":       {ethernet(typeIPv4, short4), without4},
			"IPv6 and padding":       {ethernet(typeIPv6, short6), without6},
			"IPv4, below the header": {ethernet(typeIPv4, withLength(four, 7)), without4},
			"IPv4, beyond the frame": {ethernet(typeIPv4, withLength(four, 1500)), without4 + "1>2"},
			"IPv4 without a length":  {ethernet(typeIPv4, withLength(four, 0)), without4 + "1>2"},
			"IPv6 without a length":  {ethernet(typeIPv6, withLength(six, 0)), without6 + "1>2"},
			"an inner packet":        {carried(short4), "10.0.8.1>10.0.8.2(4) " + without4},
		} {
			if got := l.look(t, ktest.Received(ktest.InMemory(test.frame), len(test.frame))).text(); got != test.want {
				t.Errorf("%s: %s, want %s", name, got, test.want)
			}
		}
		s := ktest.SkbState{Memory: ktest.InMemory(short4), Mac: 0xffff, Network: packetOffset, Data: packetOffset, Tail: packetOffset + len(short4), Protocol: typeIPv4}
		if got, want := l.look(t, s).text(), without4+"1>2"; got != want {
			t.Errorf("not complete yet: %s, want %s", got, want)
		}
	})
}
