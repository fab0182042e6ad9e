// SPDX-License-Identifier: Apache-2.0

package cli

import "strings"

// nearest is the name that was likely meant by word, or nothing: one that
// contains it or that a few slips of the fingers turn into it.
func nearest(word string, names []string) string {
	const slips = 3
	best, least := "", slips+1
	for _, name := range names {
		d := distance(word, name)
		if len(word) >= slips && strings.Contains(name, word) {
			d = min(d, slips)
		}
		if d < least && d < len(word) {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or changed to turn a into b.
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
