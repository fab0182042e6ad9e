// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"testing"
)

func TestListValue(t *testing.T) {
	var words []string
	v := list(&words)
	for _, s := range []string{"a,!b", "c*"} {
		if err := v.Set(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", ",", "d,", "!", "d,!"} {
		if v.Set(s) == nil {
			t.Errorf("%q is accepted", s)
		}
	}
	if want := []string{"a", "!b", "c*"}; !slices.Equal(words, want) || v.String() != "a,!b,c*" {
		t.Errorf("%q (%s), want %q", words, v, want)
	}
}
