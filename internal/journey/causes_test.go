// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"fmt"
	"testing"

	"tracer/internal/event"

	"github.com/google/go-cmp/cmp"
)

// explained is a drop with a cause, from a port by which its tuple can be recognized.
func explained(cause, text string, port uint16) *event.Event {
	return &event.Event{Why: &event.Why{Cause: cause, Group: text, Text: text}, Tuple: event.Tuple{SourcePort: port}}
}

// unexplained is a drop with an unknown cause.
func unexplained(reason string, port uint16) *event.Event {
	e := explained(event.UnknownCause, "not shown", port)
	e.Names.Reason = reason
	return e
}

func TestCauses(t *testing.T) {
	var c Causes
	for _, e := range []*event.Event{
		unexplained("A", 1), explained("no-route", "to 10.0.0.1", 2), explained("ttl", "0", 3), explained("no-route", "to 10.0.0.1", 4),
		unexplained("B", 5), unexplained("A", 6), {Names: event.Names{Reason: "A"}}, explained("ttl", "0", 8),
	} {
		c.Add(e)
	}
	want := []event.CauseCount{
		{Cause: event.UnknownCause, Reason: "A", Count: 3, Groups: 1, Tuple: event.Tuple{SourcePort: 1}},
		{Cause: "no-route", Count: 2, Groups: 1, Text: "to 10.0.0.1", Tuple: event.Tuple{SourcePort: 2}},
		{Cause: "ttl", Count: 2, Groups: 1, Text: "0", Tuple: event.Tuple{SourcePort: 3}},
		{Cause: event.UnknownCause, Reason: "B", Count: 1, Groups: 1, Tuple: event.Tuple{SourcePort: 5}},
	}
	if diff := cmp.Diff(want, c.List(), cmp.Comparer(func(a, b event.Tuple) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUnreportedDropsAreNamed checks that a packet that the kernel consumed, with an unknown cause, does not look like a drop on
// a kernel without reasons.
func TestUnreportedDropsAreNamed(t *testing.T) {
	var c Causes
	silent := unexplained("", 1)
	silent.Why.Silent = true
	known := explained("ping-ignored", "x", 2)
	known.Why.Silent = true
	for _, e := range []*event.Event{silent, unexplained("", 3), known} {
		c.Add(e)
	}
	var got []string
	for _, n := range c.List() {
		got = append(got, fmt.Sprintf("%d %s %s", n.Count, n.Cause, n.Reason))
	}
	if want := []string{"1 unknown " + Unreported, "1 unknown ", "1 ping-ignored "}; !cmp.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestGroupsOfACause checks that drops with the same cause are counted by group.
func TestGroupsOfACause(t *testing.T) {
	var c Causes
	for i, group := range []string{"rule 4", "rule 5", "rule 4", ""} {
		e := explained("nft-rule", "drop by "+group, uint16(i))
		e.Why.Group = group
		c.Add(e)
	}
	e := unexplained("A", 9)
	e.Why.Group = "rule 4"
	c.Add(e)
	c.Add(unexplained("A", 9))
	var got []string
	for _, n := range c.List() {
		got = append(got, fmt.Sprintf("%d %s%s", n.Count, n.Text, n.Reason))
	}
	if diff := cmp.Diff([]string{"2 drop by rule 4", "2 A", "1 drop by rule 5", "1 drop by "}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNoCausesWithoutExplanation checks that drops whose causes are not looked for are not counted by cause.
func TestNoCausesWithoutExplanation(t *testing.T) {
	var c Causes
	c.Add(&event.Event{Names: event.Names{Reason: "A"}})
	if list := c.List(); list != nil {
		t.Errorf("%+v", list)
	}
}

// TestManyCauses checks that the most frequent causes are listed, and that the last entry has all other drops.
func TestManyCauses(t *testing.T) {
	var c Causes
	added := 0
	for i := range mostKinds + 7 {
		drops := 1
		if i == mostKinds-1 {
			drops = 3
		}
		for range drops {
			c.Add(explained(fmt.Sprint("cause-", i), "text", 1))
			added++
		}
	}
	list := c.List()
	if len(list) != MostCauses+1 || list[0].Cause != fmt.Sprint("cause-", mostKinds-1) || list[1].Cause != "cause-0" {
		t.Fatalf("%+v", list)
	}
	rest := event.CauseCount{Cause: event.OtherCauses, Count: uint64(added - 3 - (MostCauses - 1))}
	if got := list[MostCauses]; got != rest {
		t.Errorf("the rest is %+v, want %+v", got, rest)
	}
}

// TestCountsAreBounded checks that the memory is bounded for any number of groups and causes, and that no drop is left out.
func TestCountsAreBounded(t *testing.T) {
	var c Causes
	const groups = 2 * (mostKinds + mostOverflows)
	for i := range groups {
		c.Add(explained("scan", fmt.Sprint("port ", i), 1))
		c.Add(explained(fmt.Sprint("cause-", i), "text", 1))
	}
	if most := mostKinds + mostOverflows + 1; len(c.kinds) > most || len(c.order) > most {
		t.Errorf("%d kinds are kept", len(c.kinds))
	}
	sum := uint64(0)
	for _, n := range c.List() {
		sum += n.Count
	}
	if sum != 2*groups {
		t.Errorf("%d drops are counted, want %d", sum, 2*groups)
	}
}

// TestManyGroupsOfACause checks that the groups of a scan do not displace other causes.
func TestManyGroupsOfACause(t *testing.T) {
	var c Causes
	for port := range uint16(100) {
		e := explained("no-listener", fmt.Sprint(port), port)
		e.Why.Pieces = []event.WhyPiece{{Text: "no socket on port "}, {Key: "dport", Text: fmt.Sprint(port), Number: uint64(port), IsNumber: true}}
		for range max(1, 4-int(port)) {
			c.Add(e)
		}
	}
	c.Add(explained("ttl", "TTL 0", 1))
	var got []string
	for _, n := range c.List() {
		got = append(got, fmt.Sprintf("%d of %d: %s", n.Count, n.Groups, n.Text))
	}
	want := []string{
		"95 of 95: no socket on port 5 to 99", "4 of 1: no socket on port 0", "3 of 1: no socket on port 1", "2 of 1: no socket on port 2",
		"1 of 1: no socket on port 3", "1 of 1: no socket on port 4", "1 of 1: TTL 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
