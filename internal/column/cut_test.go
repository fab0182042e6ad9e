// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCells(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "ip_rcv": 6, `a\x1b[m\\`: 9, "é": 1, "e\u0301": 1, "網路": 4, "\U0001f600": 2, ellipsis: 1, `\`: 1, `\x`: 2,
	} {
		if got := Cells([]byte(text)); got != want {
			t.Errorf("%q takes %d cells, want %d", text, got, want)
		}
	}
}

func TestCuts(t *testing.T) {
	type cut func([]byte, int, int) []byte
	const ping, tcp6 = "10.0.2.15:0->8.8.8.8:0(icmp,echo-request,id=4660,seq=1)", "[2001:db8:1:2:3:4:5:6]:43210->[fe80::1]:443(tcp)"
	for _, c := range []struct {
		cut   cut
		text  string
		width int
		want  string
	}{
		{cutEnd, "ip_finish_output2", 8, "ip_fini…"},
		{cutEnd, "ip_finish_output2", 1, "…"},
		{cutEnd, `ab\x1b[31m`, 7, `ab\x1b…`},
		{cutEnd, `ab\x1b[31m`, 6, `ab…`},
		{cutEnd, `a\\b`, 3, `a…`},
		{cutEnd, "網路介面", 6, "網路…"},
		{cutEnd, "網路介面", 4, "網…"},
		{cutEnd, "e\u0301a\u0301b", 2, "e\u0301…"},
		{cutStart, "0xffff888107597700", 9, "…07597700"},
		{cutStart, "~34567-89ab-cdef", 10, "…89ab-cdef"},
		{cutStart, `a網\x0ab`, 6, `…\x0ab`},
		{cutStart, `a網\x0ab`, 5, `…b`},
		{cutStart, "網路網路", 4, "…路"},
		{cutName, "NetworkManager:1042", 12, "Networ…:1042"},
		{cutName, "ab:4194304", 9, "ab:41943…"},
		{cutName, `a\x0a\x0a:17`, 9, `a\x0a…:17`},
		{cutName, "lxc0123456789ab:99999", 8, "l…:99999"},
		{cutName, "42944967295", 8, "4294496…"},
		{cutTuple, ping, 30, "10.0.2.15:0->8.8.8.8:0(icmp,e…"},
		{cutTuple, ping, 24, "10.0.2.15:0->8.8.8.8:0(…"},
		{cutTuple, ping, 23, "10.0….15:0->8.8.8.8:0(…"},
		{cutTuple, ping, 20, "10.…15:0->8.8….8:0(…"},
		{cutTuple, ping, 12, "10.0.2.15:0…"},
		{cutTuple, tcp6, 44, "[2001:db8:…2:3:4:5:6]:43210->[fe80::1]:443(…"},
		{cutTuple, tcp6, 30, "[20…:6]:43210->[fe80::1]:443(…"},
		{cutTuple, "(ethertype=0x1234,vlan=5)", 22, "(ethertype=0x1234,vla…"},
		{cutTunnel, "vxlan(id=42):" + ping, 40, "vxlan(id=42):10.0.2.15:0->8.8.8.8:0(icm…"},
		{cutTunnel, "ipip:" + tcp6, 40, "ipip:[2001:…:5:6]:43210->[fe80::1]:443(…"},
		{cutTunnel, "vxlan(id=42):" + ping, 24, "vxlan(id=42):10.0.2.15:…"},
	} {
		got := string(c.cut([]byte("before "+c.text), len("before "), c.width))
		if got != "before "+c.want {
			t.Errorf("%q in %d cells: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// TestCutsOfRandomText checks that shortened text fits the width, has an ellipsis, and splits no
// escape or character.
func TestCutsOfRandomText(t *testing.T) {
	pieces := []string{"a", ":", `\x1b`, `\\`, "é", "網", "e\u0301", "1234"}
	d := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var b strings.Builder
		for range d.IntN(30) {
			b.WriteString(pieces[d.IntN(len(pieces))])
		}
		text := b.String()
		for _, cut := range []func([]byte, int, int) []byte{cutEnd, cutStart, cutName} {
			width := 1 + d.IntN(max(Cells([]byte(text)), 1))
			if Cells([]byte(text)) <= width {
				continue
			}
			got := string(cut([]byte(text), 0, width))
			if Cells([]byte(got)) > width || !strings.Contains(got, ellipsis) || !utf8.ValidString(got) || halfEscape(got) {
				t.Fatalf("%q in %d cells: %q", text, width, got)
			}
		}
	}
}

// halfEscape reports whether the text has an incomplete escape.
func halfEscape(text string) bool {
	text = strings.NewReplacer(`\x1b`, "", `\\`, "").Replace(text)
	return strings.Contains(text, `\`)
}
