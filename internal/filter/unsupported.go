// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// unsupported are primitives that libpcap accepts for Ethernet, but that need a loop, or data outside the
// frame.
var unsupported = []struct{ word, reason string }{
	{"inbound", "tracer sees packets at many places in the kernel, and most have no direction"},
	{"outbound", "tracer sees packets at many places in the kernel, and most have no direction"},
	{"ifindex", "the interface is not part of the frame; use --filter-ifname"},
	{"protochain", "it needs a loop; use proto, or compare a byte such as ip6[6]"},
}

// checkSupported rejects expressions that libpcap can compile but that can't run in the kernel. A
// word of unsupported is always that primitive: a host name that is spelled like it has to
// be written with a backslash.
func checkSupported(expr string, raw []bpf.RawInstruction) error {
	for _, u := range unsupported {
		if at := wordAt(expr, u.word); at >= 0 {
			msg := fmt.Sprintf("%s is not supported: %s", u.word, u.reason)
			return &libpcap.SyntaxError{Expr: expr, Offset: at, Msg: msg}
		}
	}
	if leavesFrame(raw) {
		return &libpcap.SyntaxError{Expr: expr, Offset: outsideOffset(expr, leavesFrame), Msg: "negative offsets are not supported"}
	}
	if isBeyondFrame(raw) {
		msg := fmt.Sprintf("the index is too large: filters see the first %d bytes of a packet", snaplen)
		return &libpcap.SyntaxError{Expr: expr, Offset: outsideOffset(expr, isBeyondFrame), Msg: msg}
	}
	return nil
}

// outsideOffset returns the offset in expr of the first bracket whose index is outside the frame, the
// innermost one if they are nested. It is -1 if no access is outside on its own.
func outsideOffset(expr string, leaves func([]bpf.RawInstruction) bool) int {
	tokens := libpcap.Tokens(expr)
	offset, end := -1, len(expr)
	for i, t := range tokens {
		if t.Text != "[" || i == 0 || t.Offset > end {
			continue
		}
		if access := accessAt(expr, tokens[i-1:]); accessLeaves(access, leaves) {
			offset, end = t.Offset, tokens[i-1].Offset+len(access)
		}
	}
	return offset
}

// accessAt returns the text of the access to packet bytes at the beginning of the tokens, such as `ip[2:2]`.
func accessAt(expr string, tokens []libpcap.Token) string {
	open := 0
	for _, t := range tokens {
		switch t.Text {
		case "[":
			open++
		case "]":
			open--
		default:
			continue
		}
		if open == 0 {
			return expr[tokens[0].Offset : t.Offset+1]
		}
	}
	return ""
}

func accessLeaves(access string, leaves func([]bpf.RawInstruction) bool) bool {
	raw, err := libpcap.Compile(access+" = len", libpcap.Ethernet, snaplen)
	return err == nil && leaves(raw)
}

// wordAt returns the offset of a word in the expression, or -1.
func wordAt(expr, word string) int {
	for _, t := range libpcap.Tokens(expr) {
		if t.Text == word {
			return t.Offset
		}
	}
	return -1
}

// leavesFrame reports whether the program loads at a fixed offset that is negative as a signed number.
// Linux uses such offsets for metadata of the packet (SKF_AD_OFF).
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

// isBeyondFrame reports whether the program loads at an offset beyond snaplen, fixed or relative to a
// header of variable length.
func isBeyondFrame(raw []bpf.RawInstruction) bool {
	for _, in := range raw {
		switch in.Op {
		case opLd, opLdh, opLdb, opLdxb, opLdIndexed, opLdhIndexed, opLdbIndexed:
			if in.K >= snaplen && int32(in.K) >= 0 {
				return true
			}
		}
	}
	return false
}

// Opcodes of loads at fixed offsets, and at offsets relative to the index register.
const (
	opLd         = 0x20
	opLdh        = 0x28
	opLdb        = 0x30
	opLdxb       = 0xb1
	opLdIndexed  = 0x40
	opLdhIndexed = 0x48
	opLdbIndexed = 0x50
)
