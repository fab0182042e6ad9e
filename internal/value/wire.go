// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/hex"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// wire prints a number in network byte order. Text has all hexadecimal digits in that order
// (skb->protocol is 0x0800); JSON has the number in host byte order (2048).
type wire struct{ number }

func (w wire) host(raw []byte) uint64 { return bigEndian(raw[:w.bytes]) }

func (w wire) text(dst, raw []byte, _ layout) []byte {
	return hex.AppendEncode(append(dst, "0x"...), raw[:w.bytes])
}

func (w wire) json(dst, raw []byte) []byte { return strconv.AppendUint(dst, w.host(raw), 10) }

// isWireOrder reports whether a type is in network byte order (__be16, __be32, __be64).
func isWireOrder(t btf.Type) bool {
	for range maxDepth {
		switch v := t.(type) {
		case *btf.Typedef:
			if v.Name == "__be16" || v.Name == "__be32" || v.Name == "__be64" {
				return true
			}
			t = v.Type
		case *btf.Const:
			t = v.Type
		case *btf.Volatile:
			t = v.Type
		case *btf.TypeTag:
			t = v.Type
		default:
			return false
		}
	}
	return false
}
