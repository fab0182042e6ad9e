// SPDX-License-Identifier: Apache-2.0

package kernel

import "testing"

func TestWholeName(t *testing.T) {
	re, err := WholeName("ip_rcv|ip6_.*")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"ip_rcv": true, "ip6_input": true, "ip_rcv_core": false, "my_ip_rcv": false, "my_ip6_input": false} {
		if re.MatchString(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
	if _, err := WholeName("ip_rcv("); err == nil {
		t.Error("an unclosed parenthesis was accepted")
	}
}
