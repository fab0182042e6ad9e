// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// unsupported are the primitives that libpcap accepts for Ethernet, but that need
// more than the bytes of the frame, or a loop.
var unsupported = []struct{ word, reason string }{
	{"inbound", "tracer sees packets at many places in the kernel, and most have no direction"},
	{"outbound", "tracer sees packets at many places in the kernel, and most have no direction"},
	{"ifindex", "the interface is not part of the frame; use --filter-ifname"},
	{"protochain", "it needs a loop; use proto, or compare a byte such as ip6[6]"},
}

// checkSupported refuses what libpcap can compile and the kernel side can't run.
// The words can be trusted: a name that is spelled like a primitive has to be
// written with a backslash.
func checkSupported(expr string, raw []bpf.RawInstruction) error {
	for _, u := range unsupported {
		if at := wordAt(expr, u.word); at >= 0 {
			msg := fmt.Sprintf("%s is not supported: %s", u.word, u.reason)
			return &libpcap.SyntaxError{Expr: expr, Offset: at, Msg: msg}
		}
	}
	if leavesFrame(raw) {
		return &libpcap.SyntaxError{Expr: expr, Offset: leavingPlace(expr), Msg: "negative offsets are not supported"}
	}
	return nil
}

// leavingPlace is the offset of the bracket whose index is negative: the last one in
// the shortest beginning of the expression that has such a load.
func leavingPlace(expr string) int {
	bracket := -1
	for _, t := range libpcap.Tokens(expr) {
		if t.Text == "[" {
			bracket = t.Offset
		}
		raw, err := libpcap.Compile(expr[:t.Offset+len(t.Text)], libpcap.Ethernet, snaplen)
		if err == nil && leavesFrame(raw) {
			return bracket
		}
	}
	return -1
}

// wordAt is the offset of a word in the expression, -1 when it isn't there.
func wordAt(expr, word string) int {
	for _, t := range libpcap.Tokens(expr) {
		if t.Text == word {
			return t.Offset
		}
	}
	return -1
}

// leavesFrame tells whether the program loads at a fixed offset that is negative
// when seen as signed. There Linux keeps what it knows about a packet.
func leavesFrame(raw []bpf.RawInstruction) bool {
	for _, in := range raw {
		switch in.Op {
		case opLd, opLdh, opLdb, opLdxb:
			if int32(in.K) < 0 {
				return true
			}
		}
	}
	return false
}

// Opcodes of loads at fixed offsets.
const (
	opLd   = 0x20
	opLdh  = 0x28
	opLdb  = 0x30
	opLdxb = 0xb1
)
