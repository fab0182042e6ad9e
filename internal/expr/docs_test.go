// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// fromModules is the error for a struct of a module that may not be loaded.
const fromModules = `this kernel has no struct "nf_conn"`

// TestExamplesOfTheDocsCompile compiles the examples of docs/filtering.md with the types of the running
// kernel, and loads them.
func TestExamplesOfTheDocsCompile(t *testing.T) {
	k := running(t)
	l := newLab(t)
	for _, text := range examples(t) {
		p, err := Condition(k, Skb, text)
		if err != nil {
			if !strings.Contains(err.Error(), fromModules) {
				t.Errorf("%v\n%s", err, err.(*Error).Hint())
			}
			continue
		}
		l.body(t, p.Body)
	}
}

// TestErrorOfTheDocs checks that the error in docs/filtering.md is the real one.
func TestErrorOfTheDocs(t *testing.T) {
	_, err := Condition(running(t), Skb, "skb->dev->ifindx == 2")
	if err == nil {
		t.Fatal("no error")
	}
	if shown := "tracer: " + err.Error() + "\nhint: " + err.(*Error).Hint() + "\n"; !strings.Contains(docs(t), shown) {
		t.Errorf("the docs do not show\n%s", shown)
	}
}

func docs(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/filtering.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// examples returns the expressions of the commands in docs/filtering.md.
func examples(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile(`(?m)^sudo tracer --filter-skb-expr '(.*)'$`).FindAllStringSubmatch(docs(t), -1) {
		found = append(found, match[1])
	}
	if len(found) < 10 {
		t.Fatalf("only %d examples", len(found))
	}
	return found
}
