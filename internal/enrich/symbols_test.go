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

// loaded has a module that is loaded later.
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

// fixed returns symbols that are never read again.
func fixed(t *testing.T, text string) *symbols {
	return newSymbols(symbolsOf(t, text), unchanging{})
}

// source returns another list when it is read.
type source struct {
	next     *kernel.Symbols // nil: reading fails
	readings int
	// changed means that modules were loaded or unloaded since any other list than next was read.
	changed bool
}

func (s *source) Read() (*kernel.Symbols, error) {
	if s.readings++; s.next == nil {
		return nil, errors.New("not to be read")
	}
	return s.next, nil
}

func (s *source) Current(list *kernel.Symbols) bool { return !s.changed || list == s.next }

// renewable returns symbols from the list first, and from the list then after they are read again.
func renewable(t *testing.T, first, then string) (*symbols, *source) {
	next := &source{next: symbolsOf(t, then)}
	return newSymbols(symbolsOf(t, first), next), next
}

// settle calls renewed until the current read has ended.
func settle(t *testing.T, s *symbols, now uint64) (renewed bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); s.reading; time.Sleep(time.Millisecond) {
		renewed = s.renewed(now) || renewed
		if time.Now().After(end) {
			t.Fatal("the read of symbols does not end")
		}
	}
	return renewed
}

func TestSymbolsAreReadIfOneIsMissing(t *testing.T) {
	s, source := renewable(t, kallsyms, loaded)
	if s.renewed(1); s.reading {
		t.Error("symbols are read although none is missing")
	}
	if _, _, _, ok := s.lookup(inLate); ok {
		t.Fatal("found a symbol of a module that is not loaded")
	}
	s.renewed(2)
	if !settle(t, s, 2) || source.readings != 1 {
		t.Errorf("%d readings, want 1 that renews", source.readings)
	}
	if name, module, _, _ := s.lookup(inLate); name != "late_rcv" || module != "late" {
		t.Errorf("%s of %q, want late_rcv of late", name, module)
	}
}

func TestSymbolsAreReadRarely(t *testing.T) {
	s, source := renewable(t, kallsyms, kallsyms)
	const second = 1_000_000_000
	for now := uint64(1); now < 600*second; now += second / 2 {
		s.lookup(nowhere)
		s.renewed(now)
		settle(t, s, now)
	}
	// After 10, 20 and 40 seconds, then every minute.
	if source.readings < 5 || source.readings > 14 {
		t.Errorf("%d readings in ten minutes, want one a minute", source.readings)
	}
}

func TestFailedReadKeepsTheSymbols(t *testing.T) {
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

// TestSymbolsAreReadAgainAfterAnError checks that a missing symbol is found after a failed read, even if
// nothing is looked up meanwhile.
func TestSymbolsAreReadAgainAfterAnError(t *testing.T) {
	failing := new(source)
	s := newSymbols(symbolsOf(t, kallsyms), failing)
	s.lookup(inLate)
	s.renewed(1)
	settle(t, s, 1)
	failing.next = symbolsOf(t, loaded)
	s.renewed(renewEvery) // too early
	if s.reading {
		t.Error("read again too early")
	}
	s.renewed(3 * renewEvery)
	if !settle(t, s, 3*renewEvery) || failing.readings != 2 {
		t.Errorf("not renewed after %d readings", failing.readings)
	}
}

// TestModuleLoadedLater checks that its code is not attributed to the function before it in an outdated
// list.
func TestModuleLoadedLater(t *testing.T) {
	const behind = 0xffffffffc0000c00 // in nft_end by the first list
	s, source := renewable(t, kallsyms, kallsyms+"ffffffffc0000c00 t late_rcv\t[late]\n")
	s.renewed(after)
	if name, _, _, ok := s.lookup(behind); name != "nft_end" || !ok {
		t.Errorf("%q while no module has changed, want nft_end", name)
	}
	source.changed = true
	if name, _, _, ok := s.lookup(behind); ok {
		t.Errorf("found %s", name)
	}
	if name, _, _, _ := s.lookup(0xffffffff81000104); name != "ip_rcv" {
		t.Errorf("%q, want ip_rcv of vmlinux", name)
	}
	s.renewed(after)
	settle(t, s, after)
	if name, _, _, _ := s.lookup(behind); name != "late_rcv" || source.readings != 1 {
		t.Errorf("%q after %d readings, want late_rcv", name, source.readings)
	}
}

// after is later than any read.
const after = 1 << 62

// TestProgramLoadedLater checks that an address after the known code of a BPF program is not attributed to
// it by a list that was read before the event: it may belong to another program.
func TestProgramLoadedLater(t *testing.T) {
	const (
		first  = "ffffffffc0900000 t bpf_prog_a\t[bpf]\n"
		second = "ffffffffc0900100 t bpf_prog_b\t[bpf]\n"
	)
	s, source := renewable(t, kallsyms+first, kallsyms+first+second)
	expect := func(addr uint64, want string) {
		t.Helper()
		if name, _, _, _ := s.lookup(addr); name != want {
			t.Errorf("%#x is %q, want %q", addr, name, want)
		}
	}
	read := func() {
		t.Helper()
		s.due = 0
		s.renewed(after)
		settle(t, s, after)
	}
	expect(0xffffffffc0900010, "bpf_prog_a") // an event before the list was read
	s.renewed(after)
	expect(0xffffffffc0900008, "bpf_prog_a") // below a known offset
	expect(0xffffffffc0900120, "")
	read()
	expect(0xffffffffc0900120, "bpf_prog_b")
	expect(0xffffffffc0900010, "bpf_prog_a")
	expect(0xffffffffc0900018, "") // above the known offset
	read()
	expect(0xffffffffc0900018, "bpf_prog_a")
	expect(0xffffffffc0900120, "bpf_prog_b")
	source.next = symbolsOf(t, kallsyms+"ffffffffc0900000 t bpf_prog_c\t[bpf]\n") // replaces both
	s.lookup(nowhere)
	read()
	expect(0xffffffffc0900120, "")
	expect(0xffffffffc0900010, "")
}

func TestHiddenSymbolsAreNotRead(t *testing.T) {
	unread := new(source)
	s := newSymbols(nil, unread)
	s.lookup(nowhere)
	if s.renewed(1) || s.reading || unread.readings > 0 {
		t.Error("hidden symbols are read again")
	}
}

// TestPartialSymbolsAreCompletedAtOnce checks that a list without modules is completed by the first event that
// needs one, and not read again for unknown addresses.
func TestPartialSymbolsAreCompletedAtOnce(t *testing.T) {
	s, source := renewable(t, kallsyms, loaded)
	s.list.Partial = true
	if name, _, _, ok := s.lookup(0xffffffff81000101); name != "ip_rcv" || !ok || source.readings != 0 {
		t.Errorf("%q, %v after %d readings", name, ok, source.readings)
	}
	if name, module, _, ok := s.lookup(inLate); name != "late_rcv" || module != "late" || !ok || source.readings != 1 {
		t.Errorf("%q of %q, %v after %d readings", name, module, ok, source.readings)
	}
	if _, _, _, ok := s.lookup(nowhere); ok || source.readings != 1 {
		t.Errorf("found %v after %d readings", ok, source.readings)
	}
}

// TestPartialSymbolsStayAfterAnError checks that a failed read is not repeated for each event.
func TestPartialSymbolsStayAfterAnError(t *testing.T) {
	s := fixed(t, kallsyms)
	s.list.Partial = true
	if _, _, _, ok := s.lookup(inLate); ok || s.list.Partial {
		t.Errorf("found %v, partial %v", ok, s.list.Partial)
	}
}
