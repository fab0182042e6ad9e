// SPDX-License-Identifier: Apache-2.0

package kernel

import "regexp"

// What [WholeName] puts around an expression.
const wholeBegin, wholeEnd = "^(?:", ")$"

// WholeName compiles an RE2 expression that has to match the whole name of a function.
func WholeName(expr string) (*regexp.Regexp, error) {
	return regexp.Compile(wholeBegin + expr + wholeEnd)
}

// MustWholeName is like [WholeName] for expressions that are constants, and panics if one is wrong.
func MustWholeName(expr string) *regexp.Regexp {
	re, err := WholeName(expr)
	if err != nil {
		panic(err)
	}
	return re
}
