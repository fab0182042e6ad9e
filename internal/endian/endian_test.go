// SPDX-License-Identifier: Apache-2.0

package endian

import (
	"testing"
	"unsafe"
)

// TestUint compares Uint and Big with loads by the machine itself.
func TestUint(t *testing.T) {
	whole := uint64(0x0102030405060708)
	b := (*[8]byte)(unsafe.Pointer(&whole))[:]
	if got := Uint(b); got != whole {
		t.Errorf("%#x, want %#x", got, whole)
	}
	if got, want := Uint(b[:4]), uint64(*(*uint32)(unsafe.Pointer(&b[0]))); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	if got, want := Uint(b[:2]), uint64(*(*uint16)(unsafe.Pointer(&b[0]))); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	if Uint(b[7:]) != uint64(b[7]) {
		t.Errorf("%#x, want %#x", Uint(b[7:]), b[7])
	}
	if Big != (b[0] == 1) {
		t.Errorf("Big is %t, and the first byte of %#x is %d", Big, whole, b[0])
	}
}
