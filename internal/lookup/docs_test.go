// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"os"
	"strings"
	"testing"
)

// TestDocsListTheFields checks that docs/lookups.md has a row for each kind of look-up, with its functions
// and the keys of its fields.
func TestDocsListTheFields(t *testing.T) {
	docs, err := os.ReadFile("../../docs/lookups.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range table {
		_, row, _ := strings.Cut(string(docs), "\n| `"+l.Kind+"` | ")
		row, _, _ = strings.Cut(row, "\n")
		for _, word := range l.words() {
			if !strings.Contains(row, "`"+word+"`") {
				t.Errorf("docs/lookups.md: the row for %s does not have %s: %s", l.Kind, word, row)
			}
		}
	}
}

func (l *Lookup) words() []string {
	words := append([]string(nil), l.Functions...)
	for _, f := range append(append([]Field(nil), l.Asked...), l.Found...) {
		words = append(words, f.Key)
	}
	return words
}
