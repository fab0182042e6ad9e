// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// fromModules are types that a kernel may lack, when a module is not loaded.
const fromModules = `this kernel has no struct "nf_conn"`

// TestExamplesOfTheDocsCompile takes them for what they are on the running kernel, and
// lets its verifier look at them.
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

// TestErrorOfTheDocs compares the error that is shown there.
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

// examples are the expressions of the commands in the docs.
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
