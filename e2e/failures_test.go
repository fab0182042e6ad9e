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

// failures are told once more behind everything else: the end of a long log is what is
// looked at first, and what stays where logs are shortened.
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

// add notes a scenario that failed, with what it said.
func (f *failureList) add(machine string, one test, log string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := fmt.Sprintf("%s: %s: %s", machine, one.name, one.verdict)
	f.text = append(f.text, strings.Join(append([]string{head}, said(log, one.name)...), "\n    "))
}

// said finds the lines of one test in the output of `go test -v`, the last of them where
// there are many.
func said(log, name string) []string {
	const most = 30
	var lines []string
	speaker := ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && words[0] == "===":
			speaker = words[2]
		case speaker == name && !strings.HasPrefix(line, "--- "):
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-most):]
}

func TestSaid(t *testing.T) {
	log := `=== RUN   TestA
    a_test.go:1: of A
=== RUN   TestA/x
    a_test.go:2: of x
        and more
=== NAME  TestA
    a_test.go:3: of A again
--- FAIL: TestA (0.02s)
    --- FAIL: TestA/x (0.00s)
`
	if got, want := said(log, "TestA/x"), []string{"a_test.go:2: of x", "and more"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
