// SPDX-License-Identifier: Apache-2.0

package libpcap

/*
#include <pcap/pcap.h>

// cgo may not pass a pointer to a Go struct that contains a Go pointer, so struct bpf_program is
// built in C.
static int match(struct bpf_insn *insns, u_int n, const u_char *packet, u_int caplen, u_int len)
{
	struct bpf_program prog = { .bf_len = n, .bf_insns = insns };
	struct pcap_pkthdr header = { .caplen = caplen, .len = len };
	return pcap_offline_filter(&prog, &header, packet);
}
*/
import "C"

import "unsafe"

// Match runs the program on the packet in libpcap's interpreter, and reports
// whether the packet matches. wireLen is the length of the packet in bytes before
// it was truncated, which the program sees as `len`.
func Match(prog []RawInstruction, packet []byte, wireLen int) bool {
	if len(prog) == 0 {
		return true
	}
	// RawInstruction and struct bpf_insn have the same layout.
	insns := (*C.struct_bpf_insn)(unsafe.Pointer(unsafe.SliceData(prog)))
	bytes := (*C.u_char)(unsafe.SliceData(packet))
	return C.match(insns, C.u_int(len(prog)), bytes, C.u_int(len(packet)), C.u_int(wireLen)) != 0
}
