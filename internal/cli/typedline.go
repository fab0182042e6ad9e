// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"

	"tracer/internal/complete"

	"github.com/spf13/pflag"
)

// typedLine is a command line that is being typed, up to the word at the cursor.
type typedLine struct {
	// call has the settings so far. Bad values are ignored.
	*call
	// waiting is the flag whose value comes next, nil for none.
	waiting *pflag.Flag
	// plain is set after a lone --, where no flags follow, and for commands without flags.
	plain bool
	// position counts the arguments so far.
	position int
}

// readLine reads the words before the cursor.
func readLine(words []string) *typedLine {
	c, rest, _ := choose(words) // a program's name is completed like a filter
	l := &typedLine{call: c.begin()}
	l.plain = len(l.topics) == 0
	for _, word := range rest {
		l.read(word)
	}
	return l
}

func (l *typedLine) read(word string) {
	switch {
	case l.waiting != nil:
		_ = l.flags.Set(l.waiting.Name, word) // bad values are ignored
		l.waiting = nil
	case l.plain:
		l.position++
	case word == "--":
		l.plain = true
	case strings.HasPrefix(word, "-"):
		l.readFlag(word)
	default:
		l.position++
	}
}

func (l *typedLine) readFlag(word string) {
	f, value, given := l.flagIn(word)
	switch {
	case f == nil:
	case given:
		_ = l.flags.Set(f.Name, value) // bad values are ignored
	case f.NoOptDefVal != "":
		_ = l.flags.Set(f.Name, f.NoOptDefVal) // the value of a flag without one is valid
	default:
		l.waiting = f
	}
}

// flagIn returns the flag in a word, nil for none, and its value if the word has one.
func (l *typedLine) flagIn(word string) (f *pflag.Flag, value string, given bool) {
	name, isFlag := strings.CutPrefix(word, "--")
	if !isFlag {
		return nil, "", false
	}
	name, value, given = strings.Cut(name, "=")
	return l.flags.Lookup(name), value, given
}

// candidates completes the word at the cursor.
func (l *typedLine) candidates(word string) []complete.Word {
	f, value, given := l.flagIn(word)
	switch {
	case l.waiting != nil:
		return l.valueOffer(l.waiting)(word)
	case !l.plain && f != nil && given:
		return behind(strings.TrimSuffix(word, value), beginning(value, l.valueOffer(f)(value)))
	case !l.plain && strings.HasPrefix(word, "-"):
		return flagWords(l.flags)
	case l.arguments == nil:
		return nil
	}
	return l.arguments(l.position)(word)
}

// flagWords are the flags with their descriptions.
func flagWords(fs *pflag.FlagSet) []complete.Word {
	var words []complete.Word
	fs.VisitAll(func(f *pflag.Flag) {
		_, usage := pflag.UnquoteUsage(f)
		words = append(words, complete.Word{Text: "--" + f.Name, Help: usage})
	})
	return append(words, complete.Word{Text: shortHelpFlag, Help: shortHelpUsage})
}
