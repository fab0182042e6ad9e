// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// failures are printed again at the end of the output, since readers look at the end of a long log first, and
// truncated logs have only the end.
var failures failureList

type failureList struct {
	mu   sync.Mutex
	text []string
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, text := range failures.text {
		fmt.Println(text)
	}
	os.Exit(code)
}

// add adds a failed scenario with its output.
func (f *failureList) add(machine string, one test, log string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := fmt.Sprintf("%s: %s: %s", machine, one.name, one.verdict)
	f.text = append(f.text, strings.Join(append([]string{head}, outputOf(log, one.name)...), "\n    "))
}

// outputOf returns the lines that one test printed in the output of `go test -v`: at most the first 20, each cut
// to 300 bytes. The machine's log has all of them.
func outputOf(log, name string) []string {
	const mostLines, mostBytes = 20, 300
	var lines []string
	current := ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && words[0] == "===":
			current = words[2]
		case current == name && !strings.HasPrefix(line, "--- "):
			lines = append(lines, shortened(line, mostBytes))
		}
	}
	return lines[:min(len(lines), mostLines)]
}

func shortened(line string, most int) string {
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "…"
}

func TestOutputOf(t *testing.T) {
	log := `=== RUN   TestA
    a_test.go:1: of A
=== RUN   TestA/x
    a_test.go:2: of x
        and ` + strings.Repeat("more", 100) + `
` + strings.Repeat("    and more\n", 30) + `=== NAME  TestA
    a_test.go:3: of A again
--- FAIL: TestA (0.02s)
    --- FAIL: TestA/x (0.00s)
`
	got, want := outputOf(log, "TestA/x"), []string{"a_test.go:2: of x", "and " + strings.Repeat("more", 74) + "…"}
	if !slices.Equal(got[:2], want) || len(got) != 20 {
		t.Errorf("got %d lines, %q, want 20, %q", len(got), got, want)
	}
}
