// SPDX-License-Identifier: Apache-2.0

// Package filter compiles expressions in the language of pcap-filter(7) to eBPF
// that runs on packets in the kernel. libpcap compiles an expression to classic
// BPF. This package translates the classic program to eBPF function bodies, which
// replace placeholders in the BPF programs.
package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// HeadSize is how many bytes of a frame the BPF programs can copy to their stack before
// the filter runs. It is the size of head in struct packet (bpf/packet/packet.h).
const HeadSize = 80

// snaplen is the value that a classic program returns for a match. It is that of tcpdump, so
// that the listings are the same.
const snaplen = 262144

// maxInstructions is the maximum length of a body: the largest distance of a jump in eBPF, whose offset is a
// signed 16-bit number.
const maxInstructions = 1<<15 - 1

// Program is a compiled filter for Ethernet frames.
type Program struct {
	// Expr is the source expression.
	Expr string
	// Classic is the classic program compiled by libpcap.
	Classic []bpf.Instruction
	// Need is the number of bytes at the beginning of the frame that Body reads
	// from the copy in struct packet; at most HeadSize.
	Need int
	// Body is the body of the C function filter_packet. R1 is the struct packet at
	// entry, R0 is non-zero at exit if the packet matches. Body checks the length
	// first, so frames may be shorter than Need. It calls the function load_packet
	// for bytes that may lie beyond the copy.
	Body asm.Instructions
	// Length is set if the expression tests the length of the frame. If it is not set, the
	// caller needs the exact length only if the linear part has fewer than Need bytes.
	Length bool
	// VLAN is set if the expression tests a VLAN tag, or bytes of the frame from the Ethertype on.
	// The caller then has to restore the tag that the kernel or the network card moved out of the frame.
	VLAN bool
	// Notes warn of what is valid but probably not intended, such as `vlan 5 or vlan 6`.
	Notes []string
}

// Compile compiles an expression. An empty expression matches everything and gives a
// nil program. The error for an expression that is wrong, or that can't be compiled for
// the kernel, is a [*libpcap.SyntaxError].
func Compile(expr string) (*Program, error) {
	if strings.TrimSpace(expr) == "" {
		return nil, nil
	}
	raw, err := libpcap.Compile(expr, libpcap.Ethernet, snaplen)
	if err != nil {
		return nil, explainOrder(expr, err)
	}
	if err := checkSupported(expr, raw); err != nil {
		return nil, err
	}
	return newProgram(expr, raw)
}

func newProgram(expr string, raw []bpf.RawInstruction) (*Program, error) {
	classic, err := decode(raw)
	if err != nil {
		return nil, err
	}
	body, need, err := translate(classic)
	if err != nil {
		return nil, err
	}
	if len(body) > maxInstructions {
		msg := fmt.Sprintf("it needs %d instructions, and the kernel's jumps reach over %d", len(body), maxInstructions)
		return nil, &libpcap.SyntaxError{Expr: expr, Offset: -1, Msg: msg, Advice: libpcap.Fewer}
	}
	return &Program{
		Expr: expr, Classic: classic, Need: need, Body: body,
		Length: asksLength(classic), VLAN: asksTag(classic) || namesTag(expr), Notes: orderNotes(libpcap.Tokens(expr)),
	}, nil
}

func asksLength(classic []bpf.Instruction) bool {
	return slices.Contains(classic, bpf.Instruction(bpf.LoadExtension{Num: bpf.ExtLen}))
}

// tagTypes are the Ethertypes of VLAN tags that libpcap knows: 802.1Q, 802.1ad and
// 0x9100, which was used for QinQ before the standard.
var tagTypes = []uint32{0x8100, 0x88a8, 0x9100}

// asksTag reports whether the program compares the Ethertype with that of a VLAN tag.
func asksTag(classic []bpf.Instruction) bool {
	isType := false
	for _, in := range classic {
		switch in := in.(type) {
		case bpf.LoadAbsolute:
			isType = in == bpf.LoadAbsolute{Off: 12, Size: 2}
		case bpf.JumpIf:
			if isType && slices.Contains(tagTypes, in.Val) {
				return true
			}
		}
	}
	return false
}
