// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"tracer/internal/plan"
	"tracer/internal/printable"
)

// checkRegexp checks the expression as the user wrote it, so that errors quote it and not its
// expansion.
func checkRegexp(value string) error {
	parsed, err := syntax.Parse(value, syntax.Perl)
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("not a regular expression, %s at %s", bad.Code, printable.Quote(bad.Expr))
	}
	if err == nil && needsComma(parsed) {
		example := alternatives(value)
		if example == "" {
			example = "ip_rcv|ip_output"
		}
		return &usageError{
			text: "not a list: no function has a comma in its name",
			hint: "separate alternatives with |, as in " + shellWord(example),
		}
	}
	if err == nil {
		_, err = plan.ExpandPresets(value)
	}
	return err
}

// needsComma reports whether the expression contains a literal comma, which no name matches.
func needsComma(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral && slices.Contains(re.Rune, ',') {
		return true
	}
	return slices.ContainsFunc(re.Sub, needsComma)
}

// alternatives replaces the commas of a list with |, except in repetitions such as {1,2}.
func alternatives(list string) string {
	var b strings.Builder
	inBraces := false
	for _, r := range strings.ReplaceAll(list, " ", "") {
		switch {
		case r == '{' || r == '}':
			inBraces = r == '{'
		case r == ',' && !inBraces:
			r = '|'
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), "|")
}
