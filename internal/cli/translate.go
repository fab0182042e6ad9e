// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// translation is a command line that may have flags of other programs, and what to type instead.
type translation struct {
	own *pflag.FlagSet
	// rest are the arguments still to be read.
	rest []string
	// found are the foreign flags, in order.
	found []foreignUse
	// flags, terms and words are our command line: flags, filter terms that replace foreign flags, and
	// the user's own filter.
	flags, terms, words []string
	// unknown is set if a flag is neither ours nor in the table, or its value is missing.
	unknown bool
}

// foreignUse is a foreign flag as it was typed, with its value.
type foreignUse struct {
	*foreign
	typed, given string
}

func translate(args []string) *translation {
	t := &translation{own: traceFlags(), rest: args}
	for len(t.rest) > 0 {
		t.read(t.next())
	}
	return t
}

func (t *translation) next() string {
	arg := t.rest[0]
	t.rest = t.rest[1:]
	return arg
}

func (t *translation) read(arg string) {
	name, isLong := longName(arg)
	switch {
	case arg == "--":
		t.words = append(t.words, t.rest...)
		t.rest = nil
	case !strings.HasPrefix(arg, "-") || arg == "-":
		t.words = append(t.words, arg)
	case isLong || t.isLong(name):
		t.readLong(arg, name)
	default:
		t.readShort(arg[1:])
	}
}

// longName returns the name of a flag with two dashes and without a value. Old programs written in Go
// accept one dash before a long name.
func longName(arg string) (name string, isLong bool) {
	name, _, _ = strings.Cut(arg, "=")
	isLong = strings.HasPrefix(name, "--")
	return "--" + strings.TrimLeft(name, "-"), isLong
}

// isLong reports whether this is the long name of a flag that is ours or in the table.
func (t *translation) isLong(name string) bool {
	return len(name) > len("--x") && (t.own.Lookup(name[2:]) != nil || isForeign(name))
}

func (t *translation) readLong(arg, name string) {
	typed, value, given := strings.Cut(arg, "=")
	own := t.own.Lookup(name[2:])
	switch {
	case own != nil:
		t.keep(arg, !given && own.NoOptDefVal == "")
	case !isForeign(name):
		t.unknown = true
	case takesValue(name) && !given:
		t.add(typed, name, t.valueOr(name))
	default:
		t.add(typed, name, value)
	}
}

// keep takes over one of our own flags, and its value if that is the next argument.
func (t *translation) keep(arg string, valueFollows bool) {
	t.flags = append(t.flags, "--"+strings.TrimLeft(arg, "-"))
	if valueFollows && len(t.rest) > 0 {
		t.flags = append(t.flags, t.next())
	}
}

// readShort reads the letters after one dash: -nn is a flag of its own or -n twice, and the rest after
// a letter that takes a value is the value.
func (t *translation) readShort(letters string) {
	for letters != "" {
		run := letters[:len(letters)-len(strings.TrimLeft(letters, letters[:1]))]
		letters = letters[len(run):]
		name := "-" + run
		if !isForeign(name) {
			name = "-" + run[:1]
		}
		switch {
		case !isForeign(name):
			t.unknown = true
		case takesValue(name):
			t.add(name, name, t.shortValue(name, run[1:]+letters))
			return
		default:
			t.add("-"+run, name, "")
		}
	}
}

func (t *translation) shortValue(name, behind string) string {
	if behind != "" {
		return strings.TrimPrefix(behind, "=")
	}
	return t.valueOr(name)
}

// valueOr returns the next argument, or the name of the value if there is none.
func (t *translation) valueOr(name string) string {
	if len(t.rest) > 0 {
		return t.next()
	}
	t.unknown = true // only the user knows the value
	return anyForeign(name).value
}

func (t *translation) add(typed, name, value string) {
	use := foreignUse{foreignOf(name, value), typed, value}
	t.found = append(t.found, use)
	t.flags = append(t.flags, use.ours(value)...)
	if term := use.term(value); term != "" {
		t.terms = append(t.terms, term)
	}
	t.unknown = t.unknown || use.lost
}

// line returns our command line, nil if a part of it is unknown.
func (t *translation) line() []string {
	if t.unknown {
		return nil
	}
	line := append([]string{"tracer"}, t.flags...)
	if len(t.words) > 0 && strings.HasPrefix(t.words[0], "-") {
		line = append(line, "--")
	}
	if len(t.terms) == 0 {
		return append(line, t.words...)
	}
	return append(line, joinTerms(t.terms, t.words))
}

// joinTerms makes one filter of terms that all have to match and the user's own filter.
func joinTerms(terms, words []string) string {
	all := terms[:len(terms):len(terms)]
	if own := strings.Join(words, " "); own != "" {
		all = append(all, own)
	}
	if len(all) == 1 {
		return all[0]
	}
	for i, term := range all {
		if strings.Contains(term, " or ") || strings.Contains(term, "|") {
			all[i] = "(" + term + ")"
		}
	}
	return strings.Join(all, " and ")
}

// hints explains each foreign flag, and ends with the whole command line unless a single hint is
// enough.
func (t *translation) hints() []string {
	var hints []string
	for i := range t.found {
		hints = append(hints, t.found[i].hint())
	}
	if len(hints) == 0 || len(hints) == 1 && t.found[0].flags != "" {
		return hints
	}
	return append(hints, t.typed()...)
}

// typed returns the hint with the whole command line, none if tracer would reject it.
func (t *translation) typed() []string {
	line := t.line()
	if len(line) < 2 {
		return nil
	}
	if _, err := parseTrace(line[1:]); err != nil {
		return nil
	}
	return []string{"type " + shellLine(line...)}
}

// hint explains one foreign flag.
func (u *foreignUse) hint() string {
	typed := u.typed
	if u.value != "" {
		typed += " " + shellWord(u.given)
	}
	if u.program != "" {
		typed = u.program + "'s " + typed
	}
	switch {
	case u.filter != "":
		return fmt.Sprintf("%s is the filter %s", typed, shellWord(u.term(u.given)))
	case u.flags == "":
		return typed + " " + u.why
	case u.why == "":
		return typed + " is " + shellLine(u.ours(u.given)...)
	}
	return fmt.Sprintf("%s is %s: %s", typed, shellLine(u.ours(u.given)...), u.why)
}

// foreignOf returns the entry for a name and value, nil for none.
func foreignOf(name, value string) *foreign {
	for i := range foreigners {
		if foreigners[i].isAbout(name, value) {
			return &foreigners[i]
		}
	}
	return nil
}

// isForeign reports whether the table has the name, with any value.
func isForeign(name string) bool { return anyForeign(name) != nil }

func takesValue(name string) bool { return anyForeign(name).value != "" }

func anyForeign(name string) *foreign {
	for i := range foreigners {
		if slices.Contains(foreigners[i].names, name) {
			return &foreigners[i]
		}
	}
	return nil
}
