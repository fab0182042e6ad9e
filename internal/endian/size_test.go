// SPDX-License-Identifier: Apache-2.0

package endian

import "testing"

// TestSize checks Size with asm.Size.Sizeof, the conversion in the other direction.
func TestSize(t *testing.T) {
	for _, bytes := range []int{1, 2, 4, 8} {
		if got := Size(bytes).Sizeof(); got != bytes {
			t.Errorf("the size for %d bytes has %d", bytes, got)
		}
	}
}
