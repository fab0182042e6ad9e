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
	return newSymbols(symbolsOf(t, text), unchanging{})
}

// source is a list that is another one when it is read again.
type source struct {
	next     *kernel.Symbols // nil: it can't be read
	readings int
	// changed says that a module has come or gone since the list was read that is asked about.
	changed bool
}

func (s *source) Read() (*kernel.Symbols, error) {
	if s.readings++; s.next == nil {
		return nil, errors.New("not to be read")
	}
	return s.next, nil
}

func (s *source) Current(list *kernel.Symbols) bool { return !s.changed || list == s.next }

// readings are symbols that are another list when they are read again.
func readings(t *testing.T, first, then string) (*symbols, *source) {
	next := &source{next: symbolsOf(t, then)}
	return newSymbols(symbolsOf(t, first), next), next
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
	s, source := readings(t, kallsyms, loaded)
	if s.renewed(1); s.reading {
		t.Error("symbols are read and nothing is missing")
	}
	if _, _, _, ok := s.lookup(inLate); ok {
		t.Fatal("a symbol of a module that is not there")
	}
	s.renewed(2)
	if !settle(t, s, 2) || source.readings != 1 {
		t.Errorf("%d readings, want 1 that renews", source.readings)
	}
	if name, module, _, _ := s.lookup(inLate); name != "late_rcv" || module != "late" {
		t.Errorf("%s of %q, want late_rcv of late", name, module)
	}
}

func TestSymbolsAreReadSeldom(t *testing.T) {
	s, source := readings(t, kallsyms, kallsyms)
	const second = 1_000_000_000
	for now := uint64(1); now < 600*second; now += second / 2 {
		s.lookup(nowhere)
		s.renewed(now)
		settle(t, s, now)
	}
	// After 10, 20 and 40 seconds, and then every minute.
	if source.readings < 5 || source.readings > 14 {
		t.Errorf("%d readings in ten minutes, want one a minute", source.readings)
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

// TestSymbolsAreReadAgainAfterAnError: once it works what was missing is there, though nothing
// new is looked up.
func TestSymbolsAreReadAgainAfterAnError(t *testing.T) {
	failing := new(source)
	s := newSymbols(symbolsOf(t, kallsyms), failing)
	s.lookup(inLate)
	s.renewed(1)
	settle(t, s, 1)
	failing.next = symbolsOf(t, loaded)
	s.renewed(renewEvery) // too early
	if s.reading {
		t.Error("read again at once")
	}
	s.renewed(3 * renewEvery)
	if !settle(t, s, 3*renewEvery) || failing.readings != 2 {
		t.Errorf("not renewed after %d readings", failing.readings)
	}
}

// TestModulesThatCameLater: what lies behind another module's function is not told as that
// one when there are other modules than those of the list.
func TestModulesThatCameLater(t *testing.T) {
	const behind = 0xffffffffc0000c00 // by the first list in nft_end
	s, source := readings(t, kallsyms, kallsyms+"ffffffffc0000c00 t late_rcv\t[late]\n")
	s.renewed(after)
	if name, _, _, ok := s.lookup(behind); name != "nft_end" || !ok {
		t.Errorf("%q where nothing has changed, want nft_end", name)
	}
	source.changed = true
	if name, _, _, ok := s.lookup(behind); ok {
		t.Errorf("told as %s", name)
	}
	if name, _, _, _ := s.lookup(0xffffffff81000104); name != "ip_rcv" {
		t.Errorf("%q, want ip_rcv of the kernel itself", name)
	}
	s.renewed(after)
	settle(t, s, after)
	if name, _, _, _ := s.lookup(behind); name != "late_rcv" || source.readings != 1 {
		t.Errorf("%q after %d readings, want late_rcv", name, source.readings)
	}
}

// after is a time behind that of any reading.
const after = 1 << 62

// TestProgramsThatCameLater: an address behind a BPF program may be another program's, which
// one that was read before it was used does not tell.
func TestProgramsThatCameLater(t *testing.T) {
	const (
		first  = "ffffffffc0900000 t bpf_prog_a\t[bpf]\n"
		second = "ffffffffc0900100 t bpf_prog_b\t[bpf]\n"
	)
	s, source := readings(t, kallsyms+first, kallsyms+first+second)
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
	expect(0xffffffffc0900010, "bpf_prog_a") // by an event before the list
	s.renewed(after)
	expect(0xffffffffc0900008, "bpf_prog_a") // nearer than one that is known
	expect(0xffffffffc0900120, "")
	read()
	expect(0xffffffffc0900120, "bpf_prog_b")
	expect(0xffffffffc0900010, "bpf_prog_a")
	expect(0xffffffffc0900018, "") // not used before
	read()
	expect(0xffffffffc0900018, "bpf_prog_a")
	expect(0xffffffffc0900120, "bpf_prog_b")
	source.next = symbolsOf(t, kallsyms+"ffffffffc0900000 t bpf_prog_c\t[bpf]\n") // in the place of both
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
		t.Error("symbols that the kernel hides are read again")
	}
}

// TestPartialSymbolsAreCompletedAtOnce: what begins without modules has them by the first
// event that needs one, and does not read again for what there is not.
func TestPartialSymbolsAreCompletedAtOnce(t *testing.T) {
	s, source := readings(t, kallsyms, loaded)
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

// TestPartialSymbolsStayWhereThereAreNoOthers: an error is not met again for each event.
func TestPartialSymbolsStayWhereThereAreNoOthers(t *testing.T) {
	s := fixed(t, kallsyms)
	s.list.Partial = true
	if _, _, _, ok := s.lookup(inLate); ok || s.list.Partial {
		t.Errorf("found %v, partial %v", ok, s.list.Partial)
	}
}
