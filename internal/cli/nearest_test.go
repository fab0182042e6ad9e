// SPDX-License-Identifier: Apache-2.0

package cli

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kmods", "kmods", 0},
		{"kmod", "kmods", 1}, {"kmdos", "kmods", 2}, {"kitten", "sitting", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q it takes %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	flags := []string{"filter-func", "filter-netns", "kmods", "all-kmods", "output-json", "help"}
	for word, want := range map[string]string{
		"filter-fun": "filter-func", "filter_func": "filter-func", "netns": "filter-netns", "json": "output-json",
		"kmod": "kmods", "hlep": "help", "x": "", "on": "", "verbose": "",
	} {
		if got := nearest(word, flags); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}
