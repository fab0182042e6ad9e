// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"tracer/internal/complete"
)

// offer returns the candidates for a word that is being typed. It may return more; the caller
// removes those that do not begin with the word.
type offer func(word string) []complete.Word

// offers are the completions of flags' values, by the name of the flag. Each flag with a value has one.
type offers map[string]offer

// everywhere completes the arguments at all positions with the same offer.
func everywhere(o offer) func(int) offer { return func(int) offer { return o } }

// inOrder completes the first arguments; there are no more.
func inOrder(all ...offer) func(int) offer {
	return func(position int) offer {
		if position < len(all) {
			return all[position]
		}
		return anything
	}
}

// aFile leaves the completion of file names to the shell: a word without text asks for it.
func aFile(string) []complete.Word { return []complete.Word{{Help: "files"}} }

// anything offers nothing, for values that only the user knows.
func anything(string) []complete.Word { return nil }

// oneOf offers fixed words.
func oneOf(texts ...string) offer {
	return func(string) []complete.Word { return plain(texts) }
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
	return func(string) []complete.Word { return words() }
}

// sum joins the words of several offers.
func sum(all ...offer) offer {
	return func(word string) (words []complete.Word) {
		for _, f := range all {
			words = append(words, f(word)...)
		}
		return words
	}
}

// inside completes the part after the last separator, and keeps the part before it.
func inside(separators string, f offer) offer {
	return func(word string) []complete.Word {
		cut := strings.LastIndexAny(word, separators) + 1
		return behind(word[:cut], f(word[cut:]))
	}
}

// behind prefixes the words with what was already typed.
func behind(head string, words []complete.Word) []complete.Word {
	whole := slices.Clone(words)
	for i := range whole {
		if whole[i].Text != "" {
			whole[i].Text = head + whole[i].Text
		}
	}
	return whole
}

// listOf completes comma-separated words, each only once. Words with a comma are left out.
func listOf(f offer) offer {
	return func(word string) []complete.Word {
		there := strings.Split(word, ",")
		there = there[:len(there)-1]
		return inside(",", func(word string) []complete.Word {
			return slices.DeleteFunc(f(word), func(w complete.Word) bool {
				return slices.Contains(there, w.Text) || strings.Contains(w.Text, ",")
			})
		})(word)
	}
}

// negated also completes words after a !.
func negated(f offer) offer {
	return func(word string) []complete.Word {
		rest, is := strings.CutPrefix(word, "!")
		if !is {
			return f(word)
		}
		return behind("!", f(rest))
	}
}

// beginning returns the words that begin with the word, and requests for file names.
func beginning(word string, words []complete.Word) []complete.Word {
	return slices.DeleteFunc(slices.Clone(words), func(w complete.Word) bool {
		return w.Text != "" && !strings.HasPrefix(w.Text, word)
	})
}
