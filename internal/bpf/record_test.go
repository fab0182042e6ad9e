// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"
	"unsafe"
)

// TestRecordPartsAreAligned: the parts follow one another, and the ring gives
// out records at multiples of eight.
func TestRecordPartsAreAligned(t *testing.T) {
	for name, size := range map[string]uintptr{
		"core":   unsafe.Sizeof(Core{}),
		"meta":   unsafe.Sizeof(Meta{}),
		"tuple":  unsafe.Sizeof(Tuple{}),
		"first":  unsafe.Sizeof(First{}),
		"tunnel": unsafe.Sizeof(Tunnel{}),
		"cb":     unsafe.Sizeof(CB{}),
		"skb":    uintptr(MaxSkb),
		"shared": uintptr(MaxShared),
		"values": uintptr(MaxValues),
	} {
		if size%8 != 0 {
			t.Errorf("%s has %d bytes", name, size)
		}
	}
}
