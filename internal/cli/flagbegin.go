// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"
)

// flagsWith is a hint for a word that is the beginning of flags, as far as one of their dashes:
// which of them was meant is not known. It is empty if there are none, or if the word is a flag.
func flagsWith(word string, names []string) string {
	if slices.Contains(names, word) {
		return ""
	}
	const most = 6
	var begun []string
	for _, name := range names {
		if strings.HasPrefix(name, word+"-") {
			begun = append(begun, "--"+name)
		}
	}
	slices.Sort(begun)
	switch {
	case len(begun) == 0:
		return ""
	case len(begun) > most:
		return "flags that begin with it: " + strings.Join(begun[:most], ", ") + ", …: `tracer --help` lists all"
	}
	return "flags that begin with it: " + strings.Join(begun, ", ")
}
