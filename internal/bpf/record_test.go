// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"
	"unsafe"
)

// TestRecordPartsAreAligned checks that each size is a multiple of 8. The ring buffer aligns records to 8 bytes,
// and the parts follow each other without padding.
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
