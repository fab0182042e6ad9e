// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/plan"
	"tracer/internal/printable"
)

// listValue is a comma-separated list. A repeated flag adds to it.
type listValue struct {
	to *[]string
	// once rejects words that the list already has.
	once bool
	// check rejects bad words; nil accepts all.
	check func(string) error
}

func list(to *[]string) listValue { return listValue{to: to} }

// distinct is a list that has each word once.
func distinct(to *[]string) listValue { return listValue{to: to, once: true} }

// patterns is a list of regular expressions.
func patterns(to *[]string) listValue { return listValue{to: to, check: checkRegexp} }

// lookups is a list of kinds of look-ups.
func lookups(to *[]string) listValue { return listValue{to: to, once: true, check: plan.CheckLookup} }

// Set implements pflag.Value.
func (v listValue) Set(s string) error {
	words := *v.to
	for _, word := range strings.Split(s, ",") {
		word = strings.TrimSpace(word)
		switch {
		case strings.TrimPrefix(word, "!") == "":
			return errors.New("empty name in the list")
		case v.once && slices.Contains(words, word):
			return fmt.Errorf("%s is named twice", printable.Quote(word))
		}
		if err := v.checkWord(word); err != nil {
			return err
		}
		words = append(words, word)
	}
	*v.to = words
	return nil
}

func (v listValue) checkWord(word string) error {
	if v.check == nil {
		return nil
	}
	if err := v.check(word); err != nil {
		return fmt.Errorf("%s: %w", printable.Quote(word), err)
	}
	return nil
}

func (v listValue) String() string {
	if v.to == nil {
		return ""
	}
	return strings.Join(*v.to, ",")
}

func (listValue) Type() string { return "LIST" }
