// SPDX-License-Identifier: Apache-2.0

// Package complete returns completion candidates from the running system: functions, interfaces,
// namespaces and the like. It needs no privileges, and omits what it cannot read. It returns fast
// enough for interactive use.
package complete

import (
	"fmt"
	"maps"
	"slices"
)

// Word is a candidate with a description.
type Word struct{ Text, Help string }

// wordsOf returns words with one description.
func wordsOf(help string, texts []string) []Word {
	words := make([]Word, 0, len(texts))
	for _, text := range texts {
		words = append(words, Word{text, help})
	}
	return words
}

// distinct returns each text once, sorted. The description is one, or the number of equal texts and more.
func distinct(texts []string, one, more string) []Word {
	counts := map[string]int{}
	for _, text := range texts {
		counts[text]++
	}
	var words []Word
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, Word{text, counted(counts[text], one, more)})
	}
	return words
}

func counted(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf("%d %s", n, more)
}
