// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// TestBenignReasonsAreThoseOfTheKernel checks that reasons which the kernel lacks are left out, and that
// each of the others keeps its condition.
func TestBenignReasonsAreThoseOfTheKernel(t *testing.T) {
	want := map[uint32]bpf.BenignKind{4: bpf.BenignForeign, 3: bpf.BenignCloned, 5: bpf.BenignAlways}
	if diff := cmp.Diff(want, benignNumbers(someReasons)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHidingWithoutReasonsAddsANote(t *testing.T) {
	without := facts()
	without.Reasons = nil
	for hides, want := range map[bool]bool{true: true, false: false} {
		p := mustPlan(t, Options{Drop: Drop{Only: true}, Settings: bpf.Config{HideBenign: hides}}, without)
		if got := slices.Contains(p.Notes, noReasonsToHide); got != want {
			t.Errorf("hides %v: notes %v", hides, p.Notes)
		}
	}
}

// TestLocateParts checks the code ranges of the functions that free the members of a frag_list.
func TestLocateParts(t *testing.T) {
	symbols, err := kernel.ParseSymbols(strings.NewReader("ffffffff81000000 T kfree_skb_list\nffffffff81000040 t skb_release_data\nffffffff81000100 T last\n"))
	if err != nil {
		t.Fatal(err)
	}
	var c bpf.Config
	locateParts(&c, symbols)
	if c.ReleaseData.Begin != 0xffffffff81000040 || c.ReleaseData.Size != 0xc0 || c.ListFreers[0].Size != 0x40 || c.ListFreers[1].Size != 0 {
		t.Errorf("%#x %#x", c.ReleaseData, c.ListFreers)
	}
}

// TestSplitKfreeSkb checks that the code of kfree_skb is excluded as the location of a drop only if
// the compiler has split the function.
func TestSplitKfreeSkb(t *testing.T) {
	for list, size := range map[string]uint64{
		"ffffffff81000000 t kfree_skb.part.0\nffffffff81000040 T kfree_skb\nffffffff81000070 T last\n": 0x30,
		"ffffffff81000040 T kfree_skb\nffffffff81000070 T last\n":                                      0,
	} {
		symbols, err := kernel.ParseSymbols(strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		var c bpf.Config
		locateParts(&c, symbols)
		if c.SplitKfreeSkb.Size != size || c.ListFreers[2].Size != 0x30 {
			t.Errorf("%q: %#x %#x, want %#x", list, c.SplitKfreeSkb, c.ListFreers, size)
		}
	}
}

// TestFaultsAreNotBenign checks that no reason that can mean a fault is hidden unconditionally.
func TestFaultsAreNotBenign(t *testing.T) {
	for _, name := range []string{
		"NOT_SPECIFIED", "NO_SOCKET", "OTHERHOST", "NETFILTER_DROP", "TCP_OVERWINDOW", "TCP_INVALID_SEQUENCE", "TCP_RESET", "TCP_ZEROWINDOW",
		"TCP_OFO_QUEUE_PRUNE", "SOCKET_RCVBUFF", "QDISC_DROP", "UNHANDLED_PROTO", "QUEUE_PURGE", "IP_RPFILTER",
	} {
		if slices.Contains(benign, benignReason{name, bpf.BenignAlways}) {
			t.Errorf("%s is hidden", name)
		}
	}
}

// TestDocsListTheBenignReasons compares the table of the documentation with the list.
func TestDocsListTheBenignReasons(t *testing.T) {
	docs, err := os.ReadFile("../../docs/filtering.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(docs), "| Reason | When it is benign |\n| --- | --- |\n")
	if !found {
		t.Fatal("docs/filtering.md has no table of benign reasons")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []string
	for row := range strings.Lines(table) {
		name, _, _ := strings.Cut(strings.TrimPrefix(row, "| `"), "`")
		listed = append(listed, name)
	}
	if diff := cmp.Diff(benignNames(), listed); diff != "" {
		t.Errorf("docs/filtering.md (-list +docs):\n%s", diff)
	}
}
