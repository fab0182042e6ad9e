// SPDX-License-Identifier: Apache-2.0

// Package filter turns expressions in the language of pcap-filter(7) into eBPF
// that runs on packets in the kernel. libpcap makes classic BPF of the
// expression; this package makes eBPF of that, for the place where our programs
// find a packet.
package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// HeadSize is how many bytes of a frame the BPF side can copy to its stack before
// the filter runs. It is the size of struct packet's head in bpf/match/packet_filter.h.
const HeadSize = 80

// snaplen is what a program returns for a match; tcpdump's value, so that the
// listings agree.
const snaplen = 262144

// mostInstructions is how many instructions a jump of eBPF can skip: its offset is a signed 16-bit
// number.
const mostInstructions = 1<<15 - 1

// Program is a compiled filter for Ethernet frames.
type Program struct {
	// Expr is the expression it was made of.
	Expr string
	// Classic is what libpcap made of it.
	Classic []bpf.Instruction
	// Need is the number of bytes at the beginning of the frame that Body reads
	// from the copy in struct packet; at most HeadSize.
	Need int
	// Body is the body of the C function filter_packet: R1 is the struct packet at
	// entry, R0 is not zero at exit when the packet matches. Frames that are shorter
	// than Need are no danger, Body looks at their length first. It calls the
	// function load_packet for bytes that may lie beyond the copy.
	Body asm.Instructions
	// Length tells that the expression asks for the frame's length; it need be exact
	// only then, or where the linear part has less than Need bytes.
	Length bool
	// VLAN is set if the expression tests a VLAN tag, or bytes of the frame from the Ethertype on.
	// It then has to see the tag that the kernel or the network card moved out of the frame.
	VLAN bool
	// Notes warn of what is valid but probably not intended, such as `vlan 5 or vlan 6`.
	Notes []string
}

// Compile makes the program of an expression. No expression at all gives no
// program: everything matches. An expression that is wrong or that can't be
// checked in the kernel is a [*libpcap.SyntaxError].
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
	if len(body) > mostInstructions {
		msg := fmt.Sprintf("it needs %d instructions, and the kernel's jumps reach over %d", len(body), mostInstructions)
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

// tagTypes are the Ethertypes of VLAN tags that libpcap knows: 802.1Q, 802.1ad, and
// one from before there was a standard.
var tagTypes = []uint32{0x8100, 0x88a8, 0x9100}

// asksTag looks for a comparison of the Ethertype with that of a tag.
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
