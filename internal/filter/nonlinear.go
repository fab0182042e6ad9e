// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// Network drivers copy the headers of a packet into its linear part (eth_get_headlen). headersEnd is the
// end of the shortest headers with IPv6: Ethernet, IPv6 and UDP. headersEndShift is the same for IPv4
// without the length of the IPv4 header, which the classic program adds as X.
const (
	headersEnd      = 14 + 40 + 8
	headersEndShift = 14 + 8
)

// MayReadNonlinear reports whether the filter may read bytes beyond the headers, which may be in the nonlinear part
// of the sk_buff, its page fragments.
func (p *Program) MayReadNonlinear() bool {
	behindIPv4 := !slices.ContainsFunc(p.Classic, setsIndex)
	for _, in := range p.Classic {
		switch in := in.(type) {
		case bpf.LoadAbsolute:
			if in.Off+uint32(in.Size) > headersEnd {
				return true
			}
		case bpf.LoadIndirect:
			if !behindIPv4 || in.Off+uint32(in.Size) > headersEndShift {
				return true
			}
		}
	}
	return false
}

// setsIndex reports whether an instruction other than the load of the IPv4 header's length sets
// the index register.
func setsIndex(in bpf.Instruction) bool {
	switch in := in.(type) {
	case bpf.TAX:
		return true
	case bpf.LoadConstant:
		return in.Dst == bpf.RegX
	case bpf.LoadScratch:
		return in.Dst == bpf.RegX
	}
	return false
}
