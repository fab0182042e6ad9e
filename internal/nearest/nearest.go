// SPDX-License-Identifier: Apache-2.0

// Package nearest suggests known words for a misspelt one.
package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// candidate is a name that may have been meant.
type candidate struct {
	name     string
	distance int
}

// Words returns at most `most` names that the user may have meant by word, the nearest first:
// names that contain it, or that differ by one or two typos.
func Words(word string, names []string, most int) []string {
	var candidates []candidate
	for _, name := range names {
		if d := typos(word, name); d <= allowed(word) {
			candidates = append(candidates, candidate{name, d})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	candidates = slices.Compact(candidates)
	var words []string
	for _, c := range candidates[:min(most, len(candidates))] {
		words = append(words, c.name)
	}
	return words
}

// Word returns the nearest name, or "".
func Word(word string, names []string) string {
	if words := Words(word, names, 1); len(words) > 0 {
		return words[0]
	}
	return ""
}

// allowed returns the maximum number of typos in a word.
func allowed(word string) int { return min(2, len(word)/2) }

// typos returns the number of typos between a word and a name. A transposition of two letters counts
// as one, and a name that contains the word counts as at most the allowed maximum.
func typos(a, b string) int {
	far := allowed(a) + 1
	if len(a) > 2 && strings.Contains(b, a) {
		far = allowed(a)
	}
	if areExchanged(a, b) {
		return 1
	}
	if max(len(a)-len(b), len(b)-len(a)) > allowed(a) {
		return far
	}
	return min(far, distance(a, b))
}

// areExchanged reports whether a and b differ only by a transposition of two adjacent letters.
func areExchanged(a, b string) bool {
	if len(a) != len(b) || a == b {
		return false
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// distance returns the Levenshtein distance: the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
