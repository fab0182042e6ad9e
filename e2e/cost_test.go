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
	// knownCost is what a filter that never matches costs beyond the load, in multiples of
	// what a program that does nothing costs on the same functions: as make bench says.
	knownCost = 1.40
	// mostOfKnown is how much more of it is a fault.
	mostOfKnown = 1.25
)

// TestCost counts instructions, so that it does not depend on what else goes on here.
func TestCost(t *testing.T) {
	if tier := os.Getenv("TRACER_E2E"); tier != "all" && tier != "full" && tier != "cost" {
		t.Skip("a machine of its own: run make e2e, or TRACER_E2E=cost make e2e")
	}
	t.Parallel()
	s := cost.Settings{Root: "..", Results: kept + "/cost", Rounds: 1, Exchanges: 1000, Brief: true}
	var f cost.Figures
	var err error
	inPlace(func() {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		f, err = s.Measure(ctx, cost.Machine{Series: "6.12", Arch: "amd64", Backends: "kprobe-multi"})
	})
	if err != nil {
		t.Fatal(err)
	}
	got := f.OfFloor("kprobe-multi")
	t.Logf("%s: a filter that never matches costs %.2f of the floor", f.Kernel, got)
	if !(got > 1) || got > mostOfKnown*knownCost {
		t.Errorf("%.2f of the floor, want some %.2f", got, knownCost)
	}
}
