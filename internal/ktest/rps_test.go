// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"os"
	"strings"
	"testing"
)

// TestSetRPS checks that the mask is set in the namespace of the device.
func TestSetRPS(t *testing.T) {
	Root(t)
	n := NewNetns(t, "rps")
	for _, mask := range []string{"1", "0"} {
		SetRPS(t, n, "lo", mask)
		var got []byte
		if err := n.Do(func() (err error) {
			if err = mountSysfs(); err != nil {
				return err
			}
			got, err = os.ReadFile(rpsFile("lo"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if text := strings.TrimLeft(strings.TrimSpace(string(got)), "0"); text != strings.TrimLeft(mask, "0") {
			t.Errorf("rps_cpus %q, want %q", got, mask)
		}
	}
}
