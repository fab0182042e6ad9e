// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"tracer/e2e/cost"
)

const (
	// knownCost is the overhead of a filter that never matches, as a multiple of the overhead
	// of empty programs on the same functions, as measured by make bench.
	knownCost = 1.40
	// knownDropCost is the same for packets that are not dropped, with tracer --drop and all causes.
	knownDropCost = 0.3
	// tolerance is the factor by which the measured overhead may exceed knownCost.
	tolerance = 1.25
)

// TestCost checks that the overhead of a filter that never matches has not grown. It counts instructions, so that the
// result does not depend on the load of this machine.
func TestCost(t *testing.T) {
	if tier := os.Getenv("TRACER_E2E"); tier != "all" && tier != "full" && tier != "cost" {
		t.Skip("TestCost needs its own virtual machine: run make e2e, or TRACER_E2E=cost make e2e")
	}
	t.Parallel()
	s := cost.Settings{Root: "..", Results: resultsFolder + "/cost", Rounds: 1, Exchanges: 1000, Brief: true}
	var f cost.Figures
	var err error
	withSlot(func() {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		f, err = s.Measure(ctx, cost.Machine{Series: "6.12", Arch: "amd64", Backends: "kprobe-multi"})
	})
	if err != nil {
		t.Fatal(err)
	}
	got := f.OfFloor("kprobe-multi")
	t.Logf("%s: a filter that never matches costs %.2f of the floor", f.Kernel, got)
	for _, filter := range []string{cost.ByProtocol, cost.Everything} {
		drops := f.DropsOfFloor("kprobe-multi", filter)
		t.Logf("%s: --drop with all causes and the filter %q costs %.2f of the floor", f.Kernel, filter, drops)
		if !(drops > 0) || drops > knownDropCost*tolerance {
			t.Errorf("--drop %q: %.2f of the floor, want at most about %.2f", filter, drops, knownDropCost)
		}
	}
	if !(got > 1) || got > tolerance*knownCost {
		t.Errorf("%.2f of the floor, want about %.2f", got, knownCost)
	}
}
