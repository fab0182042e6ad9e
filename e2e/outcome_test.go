// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outcome holds the results of the tests in a machine.
type outcome struct {
	log     string
	tests   []test
	figures []figure
}

// test is the result of one scenario: a test in the machine without subtests.
type test struct {
	name, verdict string
}

// figure is the number of functions and the start time in seconds that the tests measured for a backend.
type figure struct {
	Backend   string  `json:"backend"`
	Functions int     `json:"functions"`
	Ready     float64 `json:"ready"`
}

func readOutcome(t *testing.T, folder string) *outcome {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(folder, "output.log"))
	if err != nil {
		t.Fatal(err)
	}
	o := &outcome{log: string(log), tests: verdicts(string(log))}
	figures, err := os.ReadFile(filepath.Join(folder, "figures.json"))
	if err != nil {
		t.Error(err)
	} else if err := json.Unmarshal(figures, &o.figures); err != nil {
		t.Errorf("figures.json: %v", err)
	}
	return o
}

var verdictLine = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL|SKIP): (\S+) \(`)

// verdicts finds the scenarios in the output of `go test -v`.
func verdicts(log string) []test {
	var list []test
	for _, m := range verdictLine.FindAllStringSubmatch(log, -1) {
		list = append(list, test{name: m[2], verdict: m[1]})
	}
	var leaves []test
	for _, one := range list {
		if !hasSubtest(list, one.name) {
			leaves = append(leaves, one)
		}
	}
	return leaves
}

func hasSubtest(list []test, name string) bool {
	for _, other := range list {
		if strings.HasPrefix(other.name, name+"/") {
			return true
		}
	}
	return false
}

// check reports each scenario as a subtest. A skipped scenario is an error: tests that a machine cannot run are excluded
// by the table of machines, or check the error message.
func (o *outcome) check(t *testing.T, m machine, code int) {
	if len(o.tests) == 0 {
		t.Error("no scenario ran")
	}
	for _, backend := range m.backendList() {
		if _, total := o.score("TestBackend/" + backend + "/"); total == 0 {
			t.Errorf("no scenario ran with backend %s", backend)
		}
	}
	for _, name := range m.required() {
		if !o.ran(name) {
			t.Errorf("%s did not run", name)
		}
	}
	for _, one := range o.tests {
		t.Run(one.name, func(t *testing.T) {
			if one.verdict != "PASS" {
				failures.add(m.name(), one, o.log)
				t.Errorf("%s in the machine", one.verdict)
			}
		})
	}
	if code != 0 {
		t.Errorf("tests in the machine ended with %d:\n%s", code, o.log)
	}
}

// ran reports whether the test, or a subtest of it, is among the scenarios.
func (o *outcome) ran(name string) bool {
	return slices.ContainsFunc(o.tests, func(one test) bool {
		return one.name == name || strings.HasPrefix(one.name, name+"/")
	})
}

func TestVerdicts(t *testing.T) {
	log := `=== RUN   TestA
=== RUN   TestA/x
    a_test.go:1: --- PASS: not a verdict (
--- FAIL: TestA (0.02s)
    --- PASS: TestA/x (0.00s)
    --- FAIL: TestA/y (0.02s)
--- SKIP: TestB (0.00s)
`
	want := []test{{"TestA/x", "PASS"}, {"TestA/y", "FAIL"}, {"TestB", "SKIP"}}
	got := verdicts(log)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}
