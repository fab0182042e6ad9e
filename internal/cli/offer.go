// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"tracer/internal/complete"
)

// offer is the words that may stand where word was begun, each as a whole. o is what was
// typed before it.
type offer func(word string, o *options) []complete.Word

// offers are what may stand behind flags, by name. Each flag with a value has one.
type offers map[string]offer

// aFile is left to the shell: it is told so by a word without a text.
func aFile(string, *options) []complete.Word { return []complete.Word{{Help: "files"}} }

// anything is what only the user knows.
func anything(string, *options) []complete.Word { return nil }

// oneOf is for words that are always the same.
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

// seen is for words of the running system.
func seen(words func() []complete.Word) offer {
	return func(string, *options) []complete.Word { return words() }
}

// sum is all that several have to offer.
func sum(all ...offer) offer {
	return func(word string, o *options) (words []complete.Word) {
		for _, f := range all {
			words = append(words, f(word, o)...)
		}
		return words
	}
}

// inside is for what is behind the last of the separators; what is before it stays.
func inside(separators string, f offer) offer {
	return func(word string, o *options) []complete.Word {
		cut := strings.LastIndexAny(word, separators) + 1
		return behind(word[:cut], f(word[cut:], o))
	}
}

// behind puts what is typed already in front of words.
func behind(head string, words []complete.Word) []complete.Word {
	whole := slices.Clone(words)
	for i := range whole {
		if whole[i].Text != "" {
			whole[i].Text = head + whole[i].Text
		}
	}
	return whole
}

// listOf is for words with commas between them, none of them twice. One with a comma in it
// can't be in a list.
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

// negated is for words that may have a ! in front.
func negated(f offer) offer {
	return func(word string, o *options) []complete.Word {
		rest, is := strings.CutPrefix(word, "!")
		if !is {
			return f(word, o)
		}
		return behind("!", f(rest, o))
	}
}

// beginning are the words that begin like that.
func beginning(word string, words []complete.Word) []complete.Word {
	return slices.DeleteFunc(slices.Clone(words), func(w complete.Word) bool {
		return w.Text != "" && !strings.HasPrefix(w.Text, word)
	})
}
