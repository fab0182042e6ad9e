// SPDX-License-Identifier: Apache-2.0

package column

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestAppendEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"":               "",
		"kworker/0:1-ev": "kworker/0:1-ev",
		"Web Content":    "Web Content",
		"grün":           "grün",
		"a\nb":           `a\x0ab`,
		`a\x0ab`:         `a\\x0ab`,
		"\x1b[31m":       `\x1b[31m`,
		"\x7f\xff":       `\x7f\xff`,
		"\u202e":         `\xe2\x80\xae`,
		"\u0085":         `\xc2\x85`,
		"\ufffd":         "\ufffd",
	} {
		if got := string(appendEscaped(nil, in)); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func FuzzAppendEscaped(f *testing.F) {
	f.Add("ping")
	f.Add("a\n\xff\\\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		got := string(appendEscaped(nil, s))
		if !utf8.ValidString(got) || strings.IndexFunc(got, unicode.IsControl) >= 0 {
			t.Errorf("%q is %q, which can break a line", s, got)
		}
	})
}

// FuzzAppendJSONString reads with encoding/json what was written without it.
func FuzzAppendJSONString(f *testing.F) {
	f.Add("ping")
	f.Add("a\"\\\n\x00\x7f\xff\xc3\u2028\U0001f600")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendJSONString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q is read as %q, want %q", s, got, want)
		}
	})
}
