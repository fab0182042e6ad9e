// SPDX-License-Identifier: Apache-2.0

package explain

import "testing"

// TestDottedDevice checks that a device name with a dot is a single component of a sysctl name, and unchanged elsewhere.
func TestDottedDevice(t *testing.T) {
	parsed, err := parseTemplate("{dev}: sysctl -w net.ipv4.conf.{dev}.rp_filter=2")
	if err != nil {
		t.Fatal(err)
	}
	values, want := Values{"dev": {Text: "eth0.5"}}, "eth0.5: sysctl -w net.ipv4.conf.eth0/5.rp_filter=2"
	if got, _ := parsed.fill(values); got != want {
		t.Errorf("fill: %q, want %q", got, want)
	}
	if got := parsed.fillLoosely(values); got != want {
		t.Errorf("fillLoosely: %q, want %q", got, want)
	}
}
