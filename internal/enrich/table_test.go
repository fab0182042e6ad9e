// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"math/rand/v2"
	"testing"
)

// TestTable compares tables of several sizes with maps.
func TestTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 63, 64, 65, 2000} {
		table, want := newTable[int](n), map[uint64]int{}
		table.set(0, 7) // not valid
		if got := table.at(0); got != nil {
			t.Errorf("at 0 %d", *got)
		}
		for i := range n {
			addr := 0xffffffff81000000 + uint64(r.IntN(4*n))*16
			table.set(addr, i)
			want[addr] = i
		}
		for i := range 4*n + 1 {
			addr := 0xffffffff81000000 + uint64(i)*16
			value, ok := want[addr]
			if got := table.at(addr); (got != nil) != ok || ok && *got != value {
				t.Fatalf("%d addresses: at %#x %v, want %d, %t", n, addr, got, value, ok)
			}
		}
	}
}
