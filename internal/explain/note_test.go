// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"testing"
)

// TestNotes checks that notes are added to the text of a cause if they hold, and only then.
func TestNotes(t *testing.T) {
	closed := Values{"is_v4": number(1), "dport": number(53), "dst4": {Text: "10.0.0.2"}, "src4": {Text: "10.0.0.1"}}
	for name, test := range map[string]struct {
		values Values
		want   string
		keys   []string
	}{
		"none": {Values{}, "", nil},
		"held": {Values{"icmp_error.moved": number(29), "icmp_error.type": number(3), "icmp_error.code": number(3)},
			"; the ICMP error for it (type 3, code 3) was not sent: its sender had too many (icmp_ratelimit)", []string{"icmp_error.moved", "icmp_error.type", "icmp_error.code"}},
		"held by the limit of the host": {Values{"icmp_error.moved": number(28), "icmp_error.type": number(3), "icmp_error.code": number(3)},
			"; the ICMP error for it (type 3, code 3) was not sent: this host sends too many (icmp_msgs_per_sec)", []string{"icmp_error.moved"}},
		"sent":               {Values{"icmp_error.moved": number(14), "icmp_error.type": number(3), "icmp_error.code": number(3)}, "", nil},
		"a value is missing": {Values{"icmp_error.moved": number(29), "icmp_error.type": number(3)}, "", nil},
		"fragmentation needed": {Values{"icmp_error.moved": number(14), "icmp_error.type": number(3), "icmp_error.code": number(4), "icmp_error.mtu": number(1400)},
			"; ICMP fragmentation needed (MTU 1400) goes to its sender", []string{"icmp_error.mtu"}},
		"two": {Values{"icmp6_error.moved": number(3), "icmp6_error.type": number(2), "icmp6_error.mtu": number(1280), "ack_skipped.skipped": number(1)},
			"; ICMPv6 packet too big (MTU 1280) goes to its sender; the ACK that answers the segment was not sent (tcp_invalid_ratelimit)", []string{"icmp6_error.mtu", "ack_skipped.skipped"}},
	} {
		a := load(t).Explain(&Drop{Reason: "NO_SOCKET", Location: "__udp4_lib_rcv+0x4bc", Values: test.values, BySite: map[string]Values{"no_udp_socket": closed}})
		if causeOf(a) != "udp-no-listener" || a.Notes != test.want {
			t.Errorf("%s: cause %q, notes %q, want %q", name, causeOf(a), a.Notes, test.want)
		}
		for _, key := range test.keys {
			if !slices.Contains(a.Keys, key) {
				t.Errorf("%s: keys %v, want %s", name, a.Keys, key)
			}
		}
	}
}

// TestNoteIsNoCause checks that a note alone explains nothing.
func TestNoteIsNoCause(t *testing.T) {
	a := load(t).Explain(&Drop{Reason: "SOME_REASON", Location: "somewhere", Values: Values{"ack_skipped.skipped": number(1)}})
	if a.Cause != nil || a.Notes != "" || len(a.Contradicting) > 0 {
		t.Errorf("cause %q, notes %q", causeOf(a), a.Notes)
	}
}
