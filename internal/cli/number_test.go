// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"
	"time"
)

// setter is the value of a flag.
type setter interface{ Set(string) error }

// checkSets checks which words a value accepts and rejects.
func checkSets(t *testing.T, v setter, accepts, rejects []string) {
	t.Helper()
	for _, s := range accepts {
		if err := v.Set(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range rejects {
		if v.Set(s) == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func TestNumbers(t *testing.T) {
	var wide uint64
	var narrow uint32
	var amount int
	var span time.Duration
	checkSets(t, counted(&wide, "x"), []string{"0", "18446744073709551615"}, []string{"", "-1", "18446744073709551616", "1k", "0x1"})
	checkSets(t, counted(&narrow, "x"), []string{"0", "4294967295"}, []string{"4294967296", "-1"})
	checkSets(t, amountValue{&amount, 1, "x"}, []string{"1", "2147483647"}, []string{"0", "2147483648", "-1", ""})
	checkSets(t, durationValue{&span}, []string{"1ns", "1h30m"}, []string{"0", "-1s", "5", "", "1d"})
	if wide != 1<<64-1 || narrow != 1<<32-1 || amount != 1<<31-1 || span != 90*time.Minute {
		t.Errorf("%d, %d, %d, %v", wide, narrow, amount, span)
	}
}
