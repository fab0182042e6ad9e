// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
	"slices"
	"strings"
)

// maxNear is how many names a hint shows.
const maxNear = 3

// near are the names that were likely meant by a word, the nearest first.
func near(word string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var candidates []candidate
	for _, name := range names {
		if d := slips(word, name); d <= allowed(word) {
			candidates = append(candidates, candidate{name, d})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var nearest []string
	for _, c := range candidates[:min(maxNear, len(candidates))] {
		nearest = append(nearest, c.name)
	}
	return slices.Compact(nearest)
}

// allowed is how many slips still make a word of a name.
func allowed(word string) int { return min(2, len(word)/2) }

// slips is how many letters must be put in, taken out or changed to turn a into b; a
// name that contains the word is as near as is allowed.
func slips(a, b string) int {
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

// areExchanged tells whether two letters side by side were typed in the wrong order.
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
