// SPDX-License-Identifier: Apache-2.0

package filter

import "testing"

func TestExpressionsThatNeedTheTag(t *testing.T) {
	for expr, want := range map[string]bool{
		"icmp": false, "vlan": true, "vlan 5 and icmp": true, "not vlan": true, "icmp and not vlan": true,
		"ether proto 0x8100":          true,
		"ether[14:2] & 0xfff = 5":     true,
		"ether[12:2] = 0x800":         true,
		"ether [ 0x0c : 2 ] = 0x800":  true,
		"link[20] = 1 and tcp":        true,
		"ether[12] = 8":               true,
		"ether[11] = 8":               false,
		"ether[0] & 1 = 1 and icmp":   false,
		"ether[6:4] = 1":              false,
		"ether[8:4] = 1":              false,
		"ether[10:4] = 1":             true,
		"ether[ip[0] & 15] = 1":       true,
		"ether[(ip[0] & 15) + 1] = 1": true,
		"ip[2:2] > 100":               false,
		"ether host 1:2:3:4:5:6":      false,
		"tcp[13] & 2 != 0":            false,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Errorf("%v", err)
		} else if p.VLAN != want {
			t.Errorf("%q: %v, want %v", expr, p.VLAN, want)
		}
	}
}
