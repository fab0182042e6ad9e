// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// translation is a command line with flags of other programs, and what to type instead.
type translation struct {
	own *pflag.FlagSet
	// rest are the arguments still to be read.
	rest []string
	// found are the foreign flags, in order.
	found []foreignUse
	// flags, terms and words make up our command line: flags, filter terms that replace foreign
	// flags, and the user's own filter.
	flags, terms, words []string
	// unknown is set where an argument is neither ours nor known.
	unknown bool
}

// foreignUse is a foreign flag as it was typed, with its value.
type foreignUse struct {
	*foreign
	typed, given string
}

func translate(args []string) *translation {
	t := &translation{own: allFlags(&options{}), rest: args}
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

// longName is a flag's name with two dashes and without a value. Old programs written in Go take
// one dash before a long name.
func longName(arg string) (name string, isLong bool) {
	name, _, _ = strings.Cut(arg, "=")
	isLong = strings.HasPrefix(name, "--")
	return "--" + strings.TrimLeft(name, "-"), isLong
}

// isLong reports whether it is a long name that is ours or known.
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

// keep takes one of our own flags over, and its value where that is the next argument.
func (t *translation) keep(arg string, valueFollows bool) {
	t.flags = append(t.flags, "--"+strings.TrimLeft(arg, "-"))
	if valueFollows && len(t.rest) > 0 {
		t.flags = append(t.flags, t.next())
	}
}

// readShort reads letters behind one dash: -nn is a flag of its own or -n twice, and what is
// behind a letter that takes a value is the value.
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

// valueOr is the next argument, or the value's name where there is none.
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

// line is our command line, nil where not all of it is known.
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

// joinTerms makes one filter of parts that all have to match, and of the user's own.
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

// hints explain each foreign flag, followed by the whole command line unless a single hint is
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

// typed is the hint with the whole command line, none if tracer would refuse it.
func (t *translation) typed() []string {
	line := t.line()
	if len(line) < 2 {
		return nil
	}
	if _, err := parse(line[1:]); err != nil {
		return nil
	}
	return []string{"type " + shellLine(line...)}
}

// hint is the answer to one foreign flag.
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

// foreignOf is the entry for a name, nil for none.
func foreignOf(name, value string) *foreign {
	for i := range foreigners {
		if foreigners[i].isAbout(name, value) {
			return &foreigners[i]
		}
	}
	return nil
}

// isForeign reports whether the name is known, whatever its value.
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
