// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

func TestFrames(t *testing.T) {
	list := Frames(t)
	if len(list) < 100 {
		t.Errorf("%d frames", len(list))
	}
	seen := map[string]string{}
	for _, f := range list {
		if other := seen[string(f.Bytes)]; other != "" {
			t.Errorf("%s equals %s", f.Name, other)
		}
		if len(f.Bytes) == 0 || len(f.Bytes) > MaxFrame {
			t.Errorf("%s has %d bytes", f.Name, len(f.Bytes))
		}
		seen[string(f.Bytes)] = f.Name
	}
}
