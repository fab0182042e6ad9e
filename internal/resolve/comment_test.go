// SPDX-License-Identifier: Apache-2.0

package resolve

import "testing"

// TestCommentOf checks user data, which any program may have written.
func TestCommentOf(t *testing.T) {
	for data, want := range map[string]string{
		"":                          "",
		"\x00":                      "",
		"\x00\x03abc":               "abc",
		"\x00\x04abc\x00":           "abc",
		"\x01\x02xx\x00\x04abc\x00": "abc",
		"\x00\x09abc":               "", // longer than the data
		"\x01\xff":                  "",
		"\x01\x00\x00\x00":          "",
	} {
		if got := commentOf([]byte(data)); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}
