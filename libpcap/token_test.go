// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"slices"
	"testing"
)

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		expr string
		want []string
	}{
		{"", nil},
		{"  \t\n", nil},
		{"tcp port 80", []string{"tcp", "port", "80"}},
		{`ip proto \tcp`, []string{"ip", "proto", `\tcp`}},
		{"net 10.0.0.0/8", []string{"net", "10.0.0.0/8"}},
		{"ip6 host fe80::1", []string{"ip6", "host", "fe80::1"}},
		{"tcp[((tcp[12]&0xf0)>>2):4]=1", []string{
			"tcp", "[", "(", "(", "tcp", "[", "12", "]", "&", "0xf0", ")", ">>", "2", ")", ":4", "]", "=", "1",
		}},
		{"tcp[tcpflags]&(tcp-syn|tcp-fin)!=0", []string{
			"tcp", "[", "tcpflags", "]", "&", "(", "tcp-syn", "|", "tcp-fin", ")", "!=", "0",
		}},
		{"!arp&&(ip||ip6)", []string{"!", "arp", "&&", "(", "ip", "||", "ip6", ")"}},
		{"len<=1<2", []string{"len", "<=", "1", "<", "2"}},
		{"ü@ü", []string{"ü@ü"}},
	} {
		var have []string
		for _, token := range Tokens(c.expr) {
			have = append(have, token.Text)
			if at := c.expr[token.Offset:]; at[:len(token.Text)] != token.Text {
				t.Errorf("%q: %q is not at %d", c.expr, token.Text, token.Offset)
			}
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%q: have %q, want %q", c.expr, have, c.want)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("tcp[13] & (2|1) != 0")
	f.Fuzz(func(t *testing.T, expr string) {
		end := 0
		for _, token := range Tokens(expr) {
			if token.Text == "" || token.Offset < end || expr[token.Offset:token.Offset+len(token.Text)] != token.Text {
				t.Fatalf("token %q at %d after %d", token.Text, token.Offset, end)
			}
			end = token.Offset + len(token.Text)
		}
	})
}
