// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitecturesMatchMakefile checks that the lists of architectures in the workflows are those of the Makefile.
func TestArchitecturesMatchMakefile(t *testing.T) {
	t.Parallel()
	want := words(t, "../Makefile", `(?m)^ARCHES +:= (.+)$`)
	if got := words(t, "../.github/workflows/ci.yml", `(?m)^ +arch: \[(.+)\]$`); !slices.Equal(got, want) {
		t.Errorf("ci.yml builds for %q, the Makefile for %q", got, want)
	}
	for i := range want {
		want[i] = "linux/" + want[i]
	}
	if got := words(t, "../.github/workflows/release.yml", `(?m)^ +platforms: (.+)$`); !slices.Equal(got, want) {
		t.Errorf("release.yml has images for %q, want %q", got, want)
	}
}

// words returns the words, separated by blanks or commas, that the pattern's group matches in the file.
func words(t *testing.T, file, pattern string) []string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(read(t, file))
	if match == nil {
		t.Fatalf("%s: no match for %s", file, pattern)
	}
	return strings.FieldsFunc(match[1], func(r rune) bool { return r == ' ' || r == ',' })
}
