// SPDX-License-Identifier: Apache-2.0

package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// hostile has a control character of each kind, and invalid UTF-8.
const hostile = "a\n\x1b[31m\x7f\u0085\u009b\u2028\u2029\u202e\u2066\u200f\U000e0001\xff\\\"b"

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":               "",
		"kworker/0:1-ev": "kworker/0:1-ev",
		"grün":           "grün",
		"a\nb":           `a\x0ab`,
		`a\x0ab`:         `a\\x0ab`,
		"\x1b[31m":       `\x1b[31m`,
		"\x7f\xff":       `\x7f\xff`,
		"\u202e\u2028":   `\xe2\x80\xae\xe2\x80\xa8`,
		"\u009b31m":      `\xc2\x9b31m`,
		"\ufffd":         "\ufffd",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestQuote checks that Go's short escapes, such as \a and \t, are not used.
func TestQuote(t *testing.T) {
	if got, want := Quote("a\a\x01\t\n\u200b\"\\ü"), `"a\x07\x01\x09\x0a\xe2\x80\x8b\"\\ü"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAppendQuoted(t *testing.T) {
	const text = "a \\\"b\n\u202e\xffü"
	got := string(AppendQuoted([]byte("= "), []byte(text)))
	if want := `= a \\\"b\x0a\xe2\x80\xae\xffü`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	got = string(AppendQuotedWord(nil, []byte(text)))
	if want := `a\x20\\\"b\x0a\xe2\x80\xae\xffü`; got != want {
		t.Errorf("as a word %s, want %s", got, want)
	}
}

func TestAppendWord(t *testing.T) {
	if got, want := string(AppendWord([]byte("= "), " a b\n\\\"")), `= \x20a\x20b\x0a\\"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAppendAllocatesNothing uses names of more than 32 bytes, since Go converts shorter ones on the stack.
func TestAppendAllocatesNothing(t *testing.T) {
	name, dst := strings.Repeat(hostile, 4), make([]byte, 0, 4096)
	for call, f := range map[string]func(){
		"Append":       func() { Append(dst, name) },
		"AppendWord":   func() { AppendWord(dst, name) },
		"AppendQuoted": func() { AppendQuoted(dst, []byte(name)) },
		"AppendJSON":   func() { AppendJSON(dst, name) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", call, n)
		}
	}
}

func TestLinesKeepsLineFeeds(t *testing.T) {
	if got := Lines("tracer: a\\b\nhint: \x1b\u202e\n"); got != "tracer: a\\b\nhint: \\x1b\\xe2\\x80\\xae\n" {
		t.Errorf("%q", got)
	}
}

func TestAppendJSON(t *testing.T) {
	got := string(AppendJSON(nil, hostile))
	want := `a\u000a\u001b[31m\u007f\u0085\u009b\u2028\u2029\u202e\u2066\u200f\udb40\udc01` + "\ufffd" + `\\\"b`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// hidden reports whether s has invalid UTF-8, or unprintable characters other than those in besides.
func hidden(s string, besides string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) && !strings.ContainsRune(besides, r)
	})
}

func FuzzText(f *testing.F) {
	f.Add("ping")
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		if got := Text(s); hidden(got, "") {
			t.Errorf("%q is %q", s, got)
		}
		if got := Lines(s); hidden(got, "\n") {
			t.Errorf("%q is %q", s, got)
		}
	})
}

// FuzzJSON decodes AppendJSON's output with encoding/json, and escapes the output of encoding/json.
func FuzzJSON(f *testing.F) {
	f.Add("ping")
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, s string) {
		want := string([]rune(s))
		own := append(AppendJSON([]byte{'"'}, s), '"')
		var foreign bytes.Buffer
		encoder := json.NewEncoder(JSONWriter(&foreign))
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(s); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(own), foreign.String()} {
			var got string
			if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
				t.Errorf("%q is %q, read as %q: %v", s, text, got, err)
			}
			if hidden(text, "\n") {
				t.Errorf("%q is %q", s, text)
			}
		}
	})
}
