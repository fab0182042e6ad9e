// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"tracer/internal/complete"
)

// offer returns the complete words for the one that was begun. o is what was typed before it.
type offer func(word string, o *options) []complete.Word

// offers complete the values of flags, by name. Each flag with a value has one.
type offers map[string]offer

// aFile leaves completion to the shell: a word without a text says so.
func aFile(string, *options) []complete.Word { return []complete.Word{{Help: "files"}} }

// anything offers nothing: only the user knows the value.
func anything(string, *options) []complete.Word { return nil }

// oneOf offers fixed words.
func oneOf(texts ...string) offer {
	return func(string, *options) []complete.Word { return plain(texts) }
}

func plain(texts []string) []complete.Word {
	var words []complete.Word
	for _, text := range texts {
		words = append(words, complete.Word{Text: text})
	}
	return words
}

// seen offers words of the running system.
func seen(words func() []complete.Word) offer {
	return func(string, *options) []complete.Word { return words() }
}

// sum combines several offers.
func sum(all ...offer) offer {
	return func(word string, o *options) (words []complete.Word) {
		for _, f := range all {
			words = append(words, f(word, o)...)
		}
		return words
	}
}

// inside completes what follows the last separator; what precedes it stays.
func inside(separators string, f offer) offer {
	return func(word string, o *options) []complete.Word {
		cut := strings.LastIndexAny(word, separators) + 1
		return behind(word[:cut], f(word[cut:], o))
	}
}

// behind puts what was already typed in front of the words.
func behind(head string, words []complete.Word) []complete.Word {
	whole := slices.Clone(words)
	for i := range whole {
		if whole[i].Text != "" {
			whole[i].Text = head + whole[i].Text
		}
	}
	return whole
}

// listOf completes comma-separated words without repetitions. A word with a comma cannot be in a
// list.
func listOf(f offer) offer {
	return func(word string, o *options) []complete.Word {
		there := strings.Split(word, ",")
		there = there[:len(there)-1]
		return inside(",", func(word string, o *options) []complete.Word {
			return slices.DeleteFunc(f(word, o), func(w complete.Word) bool {
				return slices.Contains(there, w.Text) || strings.Contains(w.Text, ",")
			})
		})(word, o)
	}
}

// negated completes words that may have a ! in front.
func negated(f offer) offer {
	return func(word string, o *options) []complete.Word {
		rest, is := strings.CutPrefix(word, "!")
		if !is {
			return f(word, o)
		}
		return behind("!", f(rest, o))
	}
}

// beginning filters the words by prefix.
func beginning(word string, words []complete.Word) []complete.Word {
	return slices.DeleteFunc(slices.Clone(words), func(w complete.Word) bool {
		return w.Text != "" && !strings.HasPrefix(w.Text, word)
	})
}
