// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"unicode"

	"tracer/internal/printable"
)

// shellSafe are characters that no shell interprets, besides ASCII letters and digits.
const shellSafe = "@%+=:,./_-"

// shellWord quotes a word if a shell would not read it back unchanged.
func shellWord(word string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune(shellSafe, r) && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}
	switch {
	case !isPrintable(word):
		return "$" + "'" + strings.ReplaceAll(printable.Text(word), "'", `\'`) + "'"
	case word == "" || strings.ContainsFunc(word, special):
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

// shellLine returns a command line to type.
func shellLine(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = shellWord(word)
	}
	return strings.Join(quoted, " ")
}
