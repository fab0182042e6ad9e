// SPDX-License-Identifier: Apache-2.0

package enrich

import "testing"

func checkPlaces(t *testing.T, p places, want map[uint64]string) {
	t.Helper()
	for addr, text := range want {
		for range 2 {
			if got := p.at(addr); got.text != text || got.Addr != addr {
				t.Errorf("%#x is %q at %#x, want %q", addr, got.text, got.Addr, text)
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	checkPlaces(t, newPlaces(fixed(t, kallsyms)), map[uint64]string{
		0xffffffff810003a3: "icmp_rcv+0x1a3",
		0xffffffff81000200: "icmp_rcv+0x0",
		0xffffffffc000005c: "nft_do_chain+0x5c [nf_tables]",
		0x1000:             "",
	})
}

// TestReturnBehindTheLastCall: the caller is the function before.
func TestReturnBehindTheLastCall(t *testing.T) {
	checkPlaces(t, newReturns(fixed(t, kallsyms)), map[uint64]string{
		0xffffffff810003a3: "icmp_rcv+0x1a3",
		0xffffffff81000200: "ip_rcv+0x100",
		0xffffffff81000201: "icmp_rcv+0x1",
		0:                  "",
	})
}

func TestPlacesWithoutSymbols(t *testing.T) {
	checkPlaces(t, newPlaces(newSymbols(nil, nil)), map[uint64]string{0xffffffff81000100: ""})
}

func TestPlacesAreBounded(t *testing.T) {
	p := newPlaces(fixed(t, kallsyms))
	for i := range uint64(3 * rememberedMost) {
		p.at(0xffffffff81000200 + i)
	}
	if len(p.known) > rememberedMost {
		t.Errorf("%d places are kept, want at most %d", len(p.known), rememberedMost)
	}
}
