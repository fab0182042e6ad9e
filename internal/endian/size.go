// SPDX-License-Identifier: Apache-2.0

package endian

import "github.com/cilium/ebpf/asm"

// Size returns the operand size of a BPF load, store or byte swap of 1, 2, 4 or 8 bytes.
func Size(bytes int) asm.Size {
	switch bytes {
	case 1:
		return asm.Byte
	case 2:
		return asm.Half
	case 4:
		return asm.Word
	}
	return asm.DWord
}
