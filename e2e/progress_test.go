// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// progress prints a line when the run begins, and a line for each machine as soon as it has finished. The test results
// follow later, in the order of the table.
type progress struct {
	w     io.Writer
	began time.Time
	total int

	mu       sync.Mutex
	finished int
}

// usual is the approximate duration of a tier on two cores without KVM.
var usual = map[string]string{"quick": "25 minutes", "all": "110 minutes", "full": "150 minutes"}

func newProgress(w io.Writer, tier string, list []machine, parallel int) *progress {
	var names []string
	for _, m := range list {
		names = append(names, m.name())
	}
	estimate := ""
	if usual[tier] != "" {
		estimate = ", about " + usual[tier] + " on two cores"
	}
	fmt.Fprintf(w, "%d virtual machines, %d at a time%s: %s\n", len(list), parallel, estimate, strings.Join(names, " "))
	return &progress{w: w, began: time.Now(), total: len(list)}
}

// add prints the result of a machine: code is the exit status of its tests, log their output.
func (p *progress) add(m machine, took time.Duration, err error, code int, log string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished++
	fmt.Fprintf(p.w, "%-12s %s in %s (%d of %d machines after %s)\n", m.name(), summary(err, code, log),
		took.Round(time.Second), p.finished, p.total, time.Since(p.began).Round(time.Second))
}

// summary returns the number of passed tests, and the names of those that failed. If the test process was killed,
// there may be no failed test, so it names the test that was started last.
func summary(err error, code int, log string) string {
	if err != nil {
		return "FAILED: " + err.Error()
	}
	passed := 0
	var failed []string
	for _, one := range verdicts(log) {
		if one.verdict == "PASS" {
			passed++
		} else {
			failed = append(failed, one.verdict+" "+one.name)
		}
	}
	if len(failed) > 0 {
		return fmt.Sprintf("FAILED: %d tests passed, %s", passed, strings.Join(failed, ", "))
	}
	if code != 0 {
		return fmt.Sprintf("FAILED: %d tests passed, then the tests ended with status %d in %s", passed, code, lastStarted(log))
	}
	return fmt.Sprintf("passed %d tests", passed)
}

// lastStarted returns the name of the test that was started last.
func lastStarted(log string) string {
	const start = "=== RUN   "
	from := strings.LastIndex(log, start)
	if from < 0 {
		return "no test"
	}
	name, _, _ := strings.Cut(log[from+len(start):], "\n")
	return strings.TrimSpace(name)
}

// TestProgress uses the fake clock of synctest.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		m := machine{series: "7", arch: "arm64"}
		p := newProgress(&b, "quick", []machine{m, m}, 2)
		time.Sleep(time.Minute)
		p.add(m, 61*time.Second, nil, 1, "--- PASS: TestA (0.02s)\n--- FAIL: TestB (0.02s)\n")
		p.add(m, time.Second, nil, 0, "--- PASS: TestA (0.02s)\n")
		p.add(m, time.Second, nil, 1, "=== RUN   TestA\n--- PASS: TestA (0.02s)\n=== RUN   TestB\r\n")
		const want = "2 virtual machines, 2 at a time, about 25 minutes on two cores: 7-arm64 7-arm64\n" +
			"7-arm64      FAILED: 1 tests passed, FAIL TestB in 1m1s (1 of 2 machines after 1m0s)\n" +
			"7-arm64      passed 1 tests in 1s (2 of 2 machines after 1m0s)\n" +
			"7-arm64      FAILED: 1 tests passed, then the tests ended with status 1 in TestB in 1s (3 of 2 machines after 1m0s)\n"
		if b.String() != want {
			t.Errorf("got %s, want %s", b.String(), want)
		}
	})
}
