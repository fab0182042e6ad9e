// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"tracer/e2e/cost"
)

// knownCost is the overhead of tracer as a multiple of the overhead of empty programs on the same functions, as
// measured by make bench.
type knownCost struct {
	machine cost.Machine
	// never is that of a filter that never matches.
	never float64
	// neverDrops and drops are those of tracer --drop with all causes, for packets that are not dropped: with a filter that
	// never matches, and with one that matches.
	neverDrops, drops float64
	// withoutCauses is the most that tracer --drop --why none may cost. These packets do not reach the tracepoint that it is
	// attached to; what is left is the work of its process, which runs on the same CPU.
	withoutCauses float64
}

var knownCosts = []knownCost{
	{cost.Machine{Series: "6.12", Arch: "amd64", Backends: "kprobe-multi"}, 1.40, 0.09, 0.14, 0.02},
	{cost.Machine{Series: "7", Arch: "amd64", Backends: "kprobe-multi"}, 1.48, 0.09, 0.14, 0.04},
}

// tolerance is the factor by which the measured overhead may exceed the known one.
const tolerance = 1.25

// TestCost checks that the overhead of tracer has not grown. It counts instructions, so that the result does not depend
// on the load of this machine.
func TestCost(t *testing.T) {
	if tier := os.Getenv("TRACER_E2E"); tier != "all" && tier != "full" && tier != "cost" {
		t.Skip("TestCost needs its own virtual machines: run make e2e, or TRACER_E2E=cost make e2e")
	}
	t.Parallel()
	for _, known := range knownCosts {
		t.Run(known.machine.Name(), func(t *testing.T) {
			t.Parallel()
			known.check(t, measure(t, known.machine))
		})
	}
}

func measure(t *testing.T, m cost.Machine) cost.Figures {
	t.Helper()
	s := cost.Settings{Root: "..", Results: resultsFolder + "/cost", Rounds: 1, Exchanges: 1000, Subjects: cost.Brief}
	var f cost.Figures
	var err error
	withSlot(func() {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		f, err = s.Measure(ctx, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (k knownCost) check(t *testing.T, f cost.Figures) {
	t.Helper()
	backend := k.machine.Backends
	for _, c := range []struct {
		what         string
		got, atLeast float64
		atMost       float64
	}{
		{"a filter that never matches", f.OfFloor(backend), 1, k.never * tolerance},
		{"--drop with all causes and a filter that never matches", f.DropsOfFloor(backend, "all", cost.ByProtocol), 0, k.neverDrops * tolerance},
		{"--drop with all causes and a filter that matches", f.DropsOfFloor(backend, "all", cost.Everything), 0, k.drops * tolerance},
		{"--drop --why none", f.DropsOfFloor(backend, "none", cost.Everything), -k.withoutCauses, k.withoutCauses},
	} {
		t.Logf("%s: %s costs %.2f of the floor", f.Kernel, c.what, c.got)
		if !(c.got > c.atLeast) || c.got > c.atMost {
			t.Errorf("%s: %s costs %.2f of the floor, want more than %.2f and at most %.2f", f.Kernel, c.what, c.got, c.atLeast, c.atMost)
		}
	}
}

// TestKnownCostsMeetTheGoal checks that the limit for packets that are not dropped is not above the goal in the table.
func TestKnownCostsMeetTheGoal(t *testing.T) {
	for _, k := range knownCosts {
		if most := max(k.drops, k.neverDrops) * tolerance; most > cost.OfFloorWithDrops {
			t.Errorf("%s: up to %.2f of the floor, want at most %.2f", k.machine.Name(), most, cost.OfFloorWithDrops)
		}
	}
}
