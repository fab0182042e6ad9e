// SPDX-License-Identifier: Apache-2.0

package libpcap

import "testing"

func TestMatch(t *testing.T) {
	frame := make([]byte, 60)
	copy(frame[12:], []byte{0x08, 0x00, 0x45})
	frame[23] = 1
	for _, c := range []struct {
		expr    string
		packet  []byte
		wireLen int
		want    bool
	}{
		{"icmp", frame, len(frame), true},
		{"tcp", frame, len(frame), false},
		{"icmp", frame[:23], len(frame), false}, // truncated before the protocol
		{"icmp", nil, 0, false},
		{"len = 1000", frame, 1000, true},
		{"len = 1000", frame, len(frame), false},
		{"greater 60", frame[:20], len(frame), true},
	} {
		prog := mustCompile(t, c.expr, Ethernet)
		if have := Match(prog, c.packet, c.wireLen); have != c.want {
			t.Errorf("%s on %d of %d bytes: %v", c.expr, len(c.packet), c.wireLen, have)
		}
	}
}

func TestMatchNoProgram(t *testing.T) {
	if !Match(nil, []byte{1}, 1) {
		t.Error("a nil program does not match")
	}
}
