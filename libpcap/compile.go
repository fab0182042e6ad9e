// SPDX-License-Identifier: Apache-2.0

// Package libpcap compiles filter expressions in the language of pcap-filter(7)
// to classic BPF. It calls the C library libpcap through cgo.
package libpcap

/*
#cgo LDFLAGS: -lpcap
#include <pcap/pcap.h>
*/
import "C"

import (
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/net/bpf"
)

// LinkType is the type of header at the beginning of a packet. The values are those of
// libpcap (DLT_*) on Linux.
type LinkType int

const (
	// Ethernet is a packet that begins with an Ethernet header.
	Ethernet LinkType = 1
	// Raw is a packet that begins with an IPv4 or IPv6 header.
	Raw LinkType = 12
)

// RawInstruction is one instruction of classic BPF.
type RawInstruction = bpf.RawInstruction

// compiling serializes calls of pcap_compile. The parser had global state before libpcap 1.8,
// and its name lookups still use shared buffers.
var compiling sync.Mutex

// Compile compiles an expression to a classic BPF program for packets of the link type. The
// program returns snaplen for a packet that matches, otherwise 0. Names of hosts, networks,
// ports and protocols are resolved at compile time. The error for an expression that libpcap
// rejects, or that has too many terms, is a [*SyntaxError]. An expression of more than 48
// terms is compiled in pieces if possible: see cut.go.
func Compile(expr string, link LinkType, snaplen int) ([]RawInstruction, error) {
	if at := strings.IndexByte(expr, 0); at >= 0 {
		return nil, &SyntaxError{Expr: expr, Offset: at, Msg: "the expression contains a zero byte"}
	}
	compiling.Lock()
	defer compiling.Unlock()

	return compileInPieces(expr, link, snaplen, pieceTerms)
}

func compileInPieces(expr string, link LinkType, snaplen, terms int) ([]RawInstruction, error) {
	c := compiler{cutter{expr, Tokens(expr), terms}, newStitcher(snaplen), openDead(link, snaplen)}
	defer C.pcap_close(c.handle)
	return c.compile()
}

// Version returns the name and version of the libpcap that is linked.
func Version() string {
	return C.GoString(C.pcap_lib_version())
}

// openDead returns a handle that can compile but not capture. libpcap returns
// NULL only if it is out of memory.
func openDead(link LinkType, snaplen int) *C.pcap_t {
	handle := C.pcap_open_dead(C.int(link), C.int(snaplen))
	if handle == nil {
		panic("libpcap: out of memory")
	}
	return handle
}

// copyProgram copies the instructions from C memory.
func copyProgram(prog *C.struct_bpf_program) []RawInstruction {
	insns := make([]RawInstruction, 0, prog.bf_len)
	for _, in := range unsafe.Slice(prog.bf_insns, prog.bf_len) {
		insns = append(insns, RawInstruction{
			Op: uint16(in.code), Jt: uint8(in.jt), Jf: uint8(in.jf), K: uint32(in.k),
		})
	}
	return insns
}
