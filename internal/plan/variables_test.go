// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"testing"

	"tracer/internal/explain"
	"tracer/internal/kernel"
)

// TestVariablesOfCauses checks that package kernel keeps the address of each variable in the expressions of causes: without
// one, all values that need it are unknown.
func TestVariablesOfCauses(t *testing.T) {
	var lines strings.Builder
	for i, s := range explain.Symbols {
		fmt.Fprintf(&lines, "ffffffff8%07x D %s\n", 0x1000*(i+1), s.Name)
	}
	symbols, err := kernel.ParseSymbols(strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range explain.Symbols {
		if symbols.Variable(s.Name) == 0 {
			t.Errorf("kernel does not keep the address of %s", s.Name)
		}
	}
}
