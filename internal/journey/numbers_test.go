// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"fmt"
	"strings"
	"testing"

	"tracer/internal/event"
)

// testCPUs is the number of CPUs in these tests.
const testCPUs = 4

// kernelID returns the nth number, from 0, of a CPU and a level, as bpf/follow/branch.h makes it.
func kernelID(n, cpu, level uint64) uint64 { return n*testCPUs + cpu + 1 + level<<levelShift }

// numbered returns the printed numbers of a script of events, in the order of the ring: `c1:5` is an event of
// the packet that CPU 1 counted as its 5th, n2:0 of one that a nested program on CPU 2 counted, `-c1:5` is an
// event that is not printed, and `lost 1:3` means that CPU 1 has lost three.
func numbered(t *testing.T, n *Numbers, script string) string {
	t.Helper()
	var printed []string
	for _, word := range strings.Split(script, ", ") {
		var cpu, count uint64
		e := event.Event{Kind: event.Function}
		switch rest, suppressed := strings.CutPrefix(word, "-"); {
		case scan(word, "lost %d:%d", &cpu, &count):
			e = event.Event{Kind: event.Lost, CPU: uint32(cpu), Loss: &event.Loss{Count: count}}
			n.Notice(&e)
			continue
		case scan(rest, "c%d:%d", &cpu, &count):
			e.Lineage = event.Lineage{ID: kernelID(count, cpu, 0), Part: kernelID(100+count, cpu, 0)}
			if suppressed {
				n.Notice(&e)
				continue
			}
		case scan(rest, "n%d:%d", &cpu, &count):
			e.Lineage = event.Lineage{ID: kernelID(count, cpu, 1), Part: kernelID(100+count, cpu, 1)}
		default:
			t.Fatalf("no event %q", word)
		}
		n.Notice(&e)
		n.Rename(&e)
		printed = append(printed, fmt.Sprint(e.Lineage.ID))
	}
	return strings.Join(printed, " ")
}

func scan(word, format string, cpu, count *uint64) bool {
	_, err := fmt.Sscanf(word, format, cpu, count)
	return err == nil
}

func TestPacketsAreNumberedByFirstAppearance(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"one CPU":                            {"c0:0, c0:0, c0:1, c0:0, c0:2", "1 1 2 1 3"},
		"several CPUs":                       {"c3:0, c0:0, c3:1, c1:7, c0:0, n1:0, c1:7", "1 2 3 4 2 5 4"},
		"without an event":                   {"c0:0, c0:5, c0:9", "1 2 3"},
		"not printed":                        {"c0:0, -c0:1, -c0:2, c0:3, -c0:4, c0:5", "1 2 3"},
		"not printed, and others lost":       {"c0:0, -c0:1, lost 0:9, -c0:2, c0:3", "1 2"},
		"printed later":                      {"-c0:0, c0:1, c0:0", "1 2"},
		"out of order":                       {"c0:1, c0:0, c0:2", "1 2 3"},
		"lost":                               {"c0:0, lost 0:50, c0:3, c0:4", "1 4 5"},
		"lost at first":                      {"lost 2:50, c2:2, c1:0", "3 4"},
		"no more than the lost events":       {"c0:0, lost 0:1, c0:9, c0:10", "1 3 4"},
		"lost on another CPU":                {"c0:0, lost 1:50, c0:3, c1:1", "1 2 4"},
		"lost, seen later":                   {"c0:0, lost 0:50, c0:3, c0:2, c0:1, c0:4", "1 4 2 3 5"},
		"lost with an old packet's events":   {"c0:0, lost 0:50, c0:0, c0:2", "1 1 3"},
		"lost before the previous packet":    {"c0:0, lost 0:50, c0:1, c0:4", "1 2 3"},
		"lost by a program and a nested one": {"c0:0, n0:0, lost 0:50, c0:2, n0:2", "1 2 4 6"},
		"more seen later than were left out": {"c0:0, lost 0:1, c0:4, c0:1, c0:2, c0:3", "1 3 2 4 5"},
		"lost events, but no packet":         {"c0:3, lost 0:2, c0:4, c0:5", "1 2 3"},
	} {
		if got := numbered(t, NewNumbers(testCPUs, 0), c.script); got != c.want {
			t.Errorf("%s: %s are %s, want %s", name, c.script, got, c.want)
		}
	}
}

func TestPartsAreNumberedTogether(t *testing.T) {
	n := NewNumbers(testCPUs, 0)
	for _, c := range []struct{ raw, want event.Lineage }{
		{event.Lineage{ID: 9, Part: 9}, event.Lineage{ID: 1, Part: 1, First: 1}},
		{event.Lineage{ID: 5, Part: 13}, event.Lineage{ID: 2, Part: 2, First: 2}},
		{event.Lineage{ID: 9, Part: 17, Parent: 9, Origin: event.Clone}, event.Lineage{ID: 1, Part: 3, Parent: 1, First: 1, Origin: event.Clone}},
		{event.Lineage{ID: 9, Part: 9}, event.Lineage{ID: 1, Part: 1, First: 1}},
		{event.Lineage{ID: 9, Part: 13, Parent: 17, Origin: event.Merged}, event.Lineage{ID: 1, Part: 2, Parent: 3, First: 1, Origin: event.Merged}},
		{event.Lineage{ID: 21, Part: 25, Parent: 29, Origin: event.Segment}, event.Lineage{ID: 3, Part: 5, Parent: 4, Origin: event.Segment}},
		{event.Lineage{}, event.Lineage{}},
	} {
		e := event.Event{Kind: event.Function, Lineage: c.raw}
		n.Notice(&e)
		if n.Rename(&e); e.Lineage != c.want {
			t.Errorf("%+v is %+v, want %+v", c.raw, e.Lineage, c.want)
		}
	}
}

// TestNumbersAreBounded checks that memory is bounded and that a busy packet keeps its number.
func TestNumbersAreBounded(t *testing.T) {
	n := NewNumbers(testCPUs, 0)
	for i := range uint64(5 * fewest) {
		for _, id := range []uint64{kernelID(0, 0, 0), kernelID(i+1, 0, 0)} {
			e := event.Event{Lineage: event.Lineage{ID: id, Part: id}}
			n.Notice(&e)
			if n.Rename(&e); id == kernelID(0, 0, 0) && e.Lineage.ID != 1 {
				t.Fatalf("packet 1 has become %d", e.Lineage.ID)
			}
		}
	}
	if most := len(n.packets.recent) + len(n.packets.older); most > 2*fewest || n.lastPacket != 5*fewest+1 {
		t.Errorf("%d packets are remembered, the last is %d", most, n.lastPacket)
	}
	for i := range uint64(100) { // each is a gap
		n.counters.lose(0, 9)
		n.notice(kernelID(6*fewest+2*i, 0, 0))
	}
	if from, _, _ := n.counters.of(1); len(from.gaps) > mostGaps {
		t.Errorf("%d gaps are remembered", len(from.gaps))
	}
}

// TestNewPacketsAllocateNothing checks that the maps are reused once both have been full.
func TestNewPacketsAllocateNothing(t *testing.T) {
	n, i := NewNumbers(testCPUs, 0), uint64(0)
	next := func() {
		e := event.Event{Lineage: event.Lineage{ID: kernelID(i, 0, 0), Part: kernelID(i, 1, 0)}}
		n.Notice(&e)
		n.Rename(&e)
		i++
	}
	for range 5 * fewest {
		next()
	}
	if allocations := testing.AllocsPerRun(2*fewest, next); allocations != 0 {
		t.Errorf("%v allocations for a new packet, want none", allocations)
	}
}
