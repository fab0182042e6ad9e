// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/hex"
	"strconv"

	"github.com/cilium/ebpf/btf"
)

// wire is a number in network byte order. It is turned to be read: text has all of
// its hexadecimal digits in the order of the wire (skb->protocol is 0x0800), JSON
// has the number that they are (2048).
type wire struct{ number }

func (w wire) host(raw []byte) uint64 { return bigEndian(raw[:w.bytes]) }

func (w wire) text(dst, raw []byte, _ layout) []byte {
	return hex.AppendEncode(append(dst, "0x"...), raw[:w.bytes])
}

func (w wire) json(dst, raw []byte) []byte { return strconv.AppendUint(dst, w.host(raw), 10) }

// isWireOrder tells the types that the kernel gives to what is in network byte order.
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
