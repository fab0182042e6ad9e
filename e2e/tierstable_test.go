// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// group holds the tests of one file in e2e/guest.
type group struct {
	name  string
	tests []string
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// groups returns the tests in e2e/guest, by the names in their source files.
func groups(t *testing.T) []group {
	t.Helper()
	files, err := filepath.Glob("guest/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var list []group
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		g := group{name: strings.TrimSuffix(filepath.Base(file), "_test.go")}
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			g.tests = append(g.tests, string(m[1]))
		}
		if g.tests != nil {
			list = append(list, g)
		}
	}
	return list
}

// in returns the group's tests that are in list.
func (g group) in(list []string) []string {
	return slices.DeleteFunc(slices.Clone(g.tests), func(name string) bool { return !slices.Contains(list, name) })
}

// onlyInTestAll returns the tests that only `make test-all` runs.
func onlyInTestAll() []string {
	return append(slices.Clone(long), "TestLockedDown", "TestDoctorLockedDown")
}

// row returns the group's row of the table in CONTRIBUTING.md.
func (g group) row() string {
	every, late := g.in(essentials), g.in(onlyInTestAll())
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", g.name, g.cell(every), g.cell(without(without(g.tests, every), late)), g.cell(late))
}

// cell returns the names of the tests, "all" for the whole group, or an empty cell for none.
func (g group) cell(tests []string) string {
	switch {
	case len(tests) == 0:
		return ""
	case len(tests) == len(g.tests):
		return "all"
	}
	var names []string
	for _, name := range tests {
		names = append(names, strings.TrimPrefix(name, "Test"))
	}
	return strings.Join(names, ", ")
}

const tableHead = "| Group | Every kernel | Broad machines | Only `make test-all` |\n| --- | --- | --- | --- |\n"

// TestTiersAreDocumented checks that the table in CONTRIBUTING.md agrees with the lists essentials and long.
func TestTiersAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	want := tableHead
	for _, g := range groups(t) {
		want += g.row()
	}
	if !strings.Contains(string(text), "\n"+want+"\n") {
		t.Errorf("CONTRIBUTING.md: the table of tiers has to be:\n%s", want)
	}
}

// TestListsNameTests checks that each test in a list exists, and is listed once.
func TestListsNameTests(t *testing.T) {
	t.Parallel()
	var all []string
	for _, g := range groups(t) {
		all = append(all, g.tests...)
	}
	for name, list := range map[string][]string{"essentials": essentials, "long": long, "sameEverywhere": sameEverywhere, "turns": turns} {
		for i, test := range list {
			if !slices.Contains(all, test) {
				t.Errorf("%s names %s, which is not a test in e2e/guest", name, test)
			}
			if slices.Contains(list[:i], test) {
				t.Errorf("%s names %s twice", name, test)
			}
		}
	}
}

// TestQuickTier checks that the quick tier has every kernel of amd64 and arm64 with the essentials, one broad
// machine of each architecture, and no long tests.
func TestQuickTier(t *testing.T) {
	t.Parallel()
	broad, kernels := map[string]int{}, map[string]int{}
	for _, m := range quickMachines() {
		kernels[m.arch]++
		if m.broad {
			broad[m.arch]++
		}
		run, skip := regexp.MustCompile(m.tests), regexp.MustCompile(m.skip())
		for _, name := range essentials {
			if !run.MatchString(name) || skip.MatchString(name) {
				t.Errorf("%s does not run %s", m.name(), name)
			}
		}
		for _, name := range without(long, essentials) {
			if run.MatchString(name) && !skip.MatchString(name) {
				t.Errorf("%s runs %s", m.name(), name)
			}
		}
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if kernels[arch] != 5 || broad[arch] != 1 {
			t.Errorf("%s: %d kernels, of which %d are broad, want 5 and 1", arch, kernels[arch], broad[arch])
		}
	}
}
