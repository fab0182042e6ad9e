// SPDX-License-Identifier: Apache-2.0

// Package complete finds the words of the running system that a user may be typing: its
// functions, interfaces, namespaces and the like. It takes no privilege, and what can't be
// seen is not offered. Nothing here takes longer than a user would wait for a key.
package complete

import (
	"fmt"
	"maps"
	"slices"
)

// Word is a word that may be meant, and what it is.
type Word struct{ Text, Help string }

// wordsOf are words that are all of one kind.
func wordsOf(help string, texts []string) []Word {
	words := make([]Word, 0, len(texts))
	for _, text := range texts {
		words = append(words, Word{text, help})
	}
	return words
}

// distinct sorts the words and has each once, with how many of them there are.
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
