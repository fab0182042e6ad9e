// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tracer/internal/kernel"
)

const kallsyms = `ffffffff81000000 T _stext
ffffffff81000100 T ip_rcv
ffffffff81000200 t icmp_rcv
ffffffff81000900 T _etext
ffffffffc0000000 t nft_do_chain	[nf_tables]
ffffffffc0000400 t nft_end	[nf_tables]
`

// loaded is a module that came later.
const loaded = kallsyms + "ffffffffc0800000 t late_rcv\t[late]\nffffffffc0800100 t late_end\t[late]\n"

const (
	inLate  = 0xffffffffc0800010
	nowhere = 0x1000
)

func symbolsOf(t *testing.T, text string) *kernel.Symbols {
	t.Helper()
	s, err := kernel.ParseSymbols(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fixed are symbols that stay as they are.
func fixed(t *testing.T, text string) *symbols {
	return newSymbols(symbolsOf(t, text), func() (*kernel.Symbols, error) { return nil, errors.New("not to be read") })
}

// readings are symbols that are another list when they are read again, and count that.
func readings(t *testing.T, first, then string) (*symbols, *int) {
	count := new(int)
	next := symbolsOf(t, then)
	return newSymbols(symbolsOf(t, first), func() (*kernel.Symbols, error) { *count++; return next, nil }), count
}

// settle calls renewed until the reading that runs is over.
func settle(t *testing.T, s *symbols, now uint64) (renewed bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); s.reading; time.Sleep(time.Millisecond) {
		renewed = s.renewed(now) || renewed
		if time.Now().After(end) {
			t.Fatal("the reading of symbols does not end")
		}
	}
	return renewed
}

func TestMissingSymbolIsReadAnew(t *testing.T) {
	s, count := readings(t, kallsyms, loaded)
	if s.renewed(1); s.reading {
		t.Error("symbols are read and nothing is missing")
	}
	if _, _, _, ok := s.lookup(inLate); ok {
		t.Fatal("a symbol of a module that is not there")
	}
	s.renewed(2)
	if !settle(t, s, 2) || *count != 1 {
		t.Errorf("%d readings, want 1 that renews", *count)
	}
	if name, module, _, _ := s.lookup(inLate); name != "late_rcv" || module != "late" {
		t.Errorf("%s of %q, want late_rcv of late", name, module)
	}
}

func TestSymbolsAreReadSeldom(t *testing.T) {
	s, count := readings(t, kallsyms, kallsyms)
	const second = 1_000_000_000
	for now := uint64(1); now < 600*second; now += second / 2 {
		s.lookup(nowhere)
		s.renewed(now)
		settle(t, s, now)
	}
	// After 10, 20 and 40 seconds, and then every minute.
	if *count < 5 || *count > 14 {
		t.Errorf("%d readings in ten minutes, want one a minute", *count)
	}
}

func TestUnreadableSymbolsLeaveTheOldOnes(t *testing.T) {
	s := fixed(t, kallsyms)
	s.lookup(nowhere)
	s.renewed(1)
	if settle(t, s, 1) {
		t.Error("an error renews the symbols")
	}
	if name, _, _, _ := s.lookup(0xffffffff81000104); name != "ip_rcv" {
		t.Errorf("%q, want ip_rcv", name)
	}
}

func TestHiddenSymbolsAreNotRead(t *testing.T) {
	s := newSymbols(nil, func() (*kernel.Symbols, error) { t.Error("read"); return nil, nil })
	s.lookup(nowhere)
	if s.renewed(1) || s.reading {
		t.Error("symbols that the kernel hides are read again")
	}
}

// TestPartialSymbolsAreCompletedAtOnce: what begins without modules has them by the first
// event that needs one, and does not read again for what there is not.
func TestPartialSymbolsAreCompletedAtOnce(t *testing.T) {
	s, count := readings(t, kallsyms, loaded)
	s.list.Partial = true
	if name, _, _, ok := s.lookup(0xffffffff81000101); name != "ip_rcv" || !ok || *count != 0 {
		t.Errorf("%q, %v after %d readings", name, ok, *count)
	}
	if name, module, _, ok := s.lookup(inLate); name != "late_rcv" || module != "late" || !ok || *count != 1 {
		t.Errorf("%q of %q, %v after %d readings", name, module, ok, *count)
	}
	if _, _, _, ok := s.lookup(nowhere); ok || *count != 1 {
		t.Errorf("found %v after %d readings", ok, *count)
	}
}

// TestPartialSymbolsStayWhereThereAreNoOthers: an error is not met again for each event.
func TestPartialSymbolsStayWhereThereAreNoOthers(t *testing.T) {
	s := fixed(t, kallsyms)
	s.list.Partial = true
	if _, _, _, ok := s.lookup(inLate); ok || s.list.Partial {
		t.Errorf("found %v, partial %v", ok, s.list.Partial)
	}
}
