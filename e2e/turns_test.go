// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"regexp"
	"slices"
	"testing"
)

// TestTurns checks that each test in turns still runs on both architectures with each set of
// backends, and on exactly one machine of each pair that shares it.
func TestTurns(t *testing.T) {
	type kind struct{ arch, backends string }
	for _, name := range turns {
		on := map[kind]bool{}
		shared := 0
		for _, m := range machines {
			if m.tests != "" {
				continue
			}
			k := kind{m.arch, m.backends}
			runs := !slices.Contains(m.othersTurns(), name)
			on[k] = on[k] || runs
			if runs && m.turn != 0 {
				shared++
			}
		}
		for k, runs := range on {
			if !runs {
				t.Errorf("%s does not run on %s with %s", name, k.arch, k.backends)
			}
		}
		if pairs := 3; shared != pairs {
			t.Errorf("%s runs on %d of %d pairs", name, shared, pairs)
		}
	}
}

// TestNamedMachine checks that a machine selected by name runs all tests, and that an unknown name is an error.
func TestNamedMachine(t *testing.T) {
	list, err := named([]string{"6.18-arm64"})
	if err != nil {
		t.Fatal(err)
	}
	if left := list[0].othersTurns(); left != nil {
		t.Errorf("it does not run %v", left)
	}
	if _, err := named([]string{"2.4-vax"}); err == nil {
		t.Error("an unknown machine was accepted")
	}
}

// TestKills checks that the kernels with most kills are those that differ most, and that they run the test.
func TestKills(t *testing.T) {
	t.Setenv("KILLS", "")
	var many []string
	for _, m := range machines {
		if m.killCount() != "200" {
			continue
		}
		many = append(many, m.name())
		if !slices.Contains(m.required(), killTest) || regexp.MustCompile(m.skip()).MatchString(killTest) {
			t.Errorf("%s does not run %s", m.name(), killTest)
		}
	}
	if want := []string{"5.10-amd64", "6.12-amd64", "6.18-arm64", "7-amd64"}; !slices.Equal(many, want) {
		t.Errorf("200 kills on %v, want %v", many, want)
	}
	t.Setenv("KILLS", "30")
	if got := smoke.killCount(); got != "30" {
		t.Errorf("KILLS=30: %s", got)
	}
}
