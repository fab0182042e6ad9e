// SPDX-License-Identifier: Apache-2.0

package enrich

import "testing"

// checkLocations looks up each address twice, the second time in the cache.
func checkLocations(t *testing.T, l locations, want map[uint64]string) {
	t.Helper()
	for addr, text := range want {
		for range 2 {
			if got := l.at(addr); got.text != text || got.Addr != addr {
				t.Errorf("%#x is %q at %#x, want %q", addr, got.text, got.Addr, text)
			}
		}
	}
}

func TestLocations(t *testing.T) {
	checkLocations(t, newLocations(fixed(t, kallsyms)), map[uint64]string{
		0xffffffff810003a3: "icmp_rcv+0x1a3",
		0xffffffff81000200: "icmp_rcv+0x0",
		0xffffffffc000005c: "nft_do_chain+0x5c [nf_tables]",
		0x1000:             "",
	})
}

// TestReturnAddressAfterTheLastCall checks that the caller is the function that ends before the address.
func TestReturnAddressAfterTheLastCall(t *testing.T) {
	checkLocations(t, newReturnAddresses(fixed(t, kallsyms)), map[uint64]string{
		0xffffffff810003a3: "icmp_rcv+0x1a3",
		0xffffffff81000200: "ip_rcv+0x100",
		0xffffffff81000201: "icmp_rcv+0x1",
		0:                  "",
	})
}

func TestLocationsWithoutSymbols(t *testing.T) {
	checkLocations(t, newLocations(newSymbols(nil, nil)), map[uint64]string{0xffffffff81000100: ""})
}

func TestLocationsAreBounded(t *testing.T) {
	l := newLocations(fixed(t, kallsyms))
	for i := range uint64(3 * cacheSize) {
		l.at(0xffffffff81000200 + i)
	}
	if len(l.known) > cacheSize {
		t.Errorf("%d locations are cached, want at most %d", len(l.known), cacheSize)
	}
}
