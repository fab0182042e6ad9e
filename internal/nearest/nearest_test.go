// SPDX-License-Identifier: Apache-2.0

package nearest

import (
	"slices"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kmods", "kmods", 0},
		{"kmod", "kmods", 1}, {"kmdos", "kmods", 2}, {"kitten", "sitting", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("the distance from %q to %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestWord(t *testing.T) {
	flags := []string{"filter-func", "filter-netns", "kmods", "all-kmods", "output-json", "help"}
	for word, want := range map[string]string{
		"filter-fun": "filter-func", "filter_func": "filter-func", "netns": "filter-netns", "json": "output-json",
		"kmod": "kmods", "hlep": "help", "x": "", "on": "", "verbose": "",
	} {
		if got := Word(word, flags); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	names := []string{"len", "data_len", "mac_len", "hash", "len", "mark"}
	for word, want := range map[string][]string{
		"lne":   {"len"},
		"len":   {"len", "data_len"},
		"makr":  {"mark"},
		"zzzzz": nil,
	} {
		if got := Words(word, names, 2); !slices.Equal(got, want) {
			t.Errorf("the nearest to %q are %q, want %q", word, got, want)
		}
	}
}
