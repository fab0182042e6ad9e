// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"
)

// shortestBegin is the minimum length of a word that counts as the beginning of several flags.
const shortestBegin = 4

// flagsWith returns a hint for a word with which names of flags begin: the part before one of their
// dashes, or the beginning of several. The hint lists at most six of them. It is empty if there are none,
// or if the word is a flag.
func flagsWith(word string, names []string) string {
	if slices.Contains(names, word) {
		return ""
	}
	const most = 6
	begun := beginWith(word+"-", names)
	if longer := beginWith(word, names); len(word) >= shortestBegin && len(longer) > 1 && !isNearlyOne(word, longer) {
		begun = longer
	}
	switch {
	case len(begun) == 0:
		return ""
	case len(begun) > most:
		return "flags that begin with it: " + strings.Join(begun[:most], ", ") + ", …: `tracer --help` lists all"
	}
	return "flags that begin with it: " + strings.Join(begun, ", ")
}

// isNearlyOne reports whether only the last letter of one of the flags is missing.
func isNearlyOne(word string, flags []string) bool {
	return slices.ContainsFunc(flags, func(flag string) bool { return len(flag) == len("--"+word)+1 })
}

// beginWith returns the flags whose names have this beginning, sorted, with their dashes.
func beginWith(begin string, names []string) []string {
	var flags []string
	for _, name := range names {
		if strings.HasPrefix(name, begin) {
			flags = append(flags, "--"+name)
		}
	}
	slices.Sort(flags)
	return flags
}
