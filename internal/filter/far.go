// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// Where the shortest headers end that network drivers copy into the linear part of a packet
// (eth_get_headlen), with Ethernet's in front: a UDP header behind that of IPv6, and one behind that
// of IPv4, whose length is added at run time.
const (
	headersEnd      = 14 + 40 + 8
	headersEndShift = 14 + 8
)

// Far says whether the filter may look beyond the headers, into what may lie in page fragments.
func (p *Program) Far() bool {
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
