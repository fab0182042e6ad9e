// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// plainHint is an error of another package with a hint, perhaps a usage error.
type plainHint struct {
	hint  string
	usage bool
	cause error
}

func (e plainHint) Error() string { return "cause" }
func (e plainHint) Hint() string  { return e.hint }
func (e plainHint) Usage() bool   { return e.usage }
func (e plainHint) Unwrap() error { return e.cause }

// logged is an error with a long form, like that of the verifier.
type logged struct{ error }

func (logged) Format(f fmt.State, verb rune) {
	if f.Flag('+') {
		fmt.Fprint(f, "the long form")
		return
	}
	fmt.Fprint(f, "the short form")
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{fmt.Errorf("stop: %w", context.Canceled), 0, ""},
		{errors.New("bang"), 1, "tracer: bang\n"},
		{fmt.Errorf("outer: %w", plainHint{hint: "try it"}), 1, "tracer: outer: cause\nhint: try it\n"},
		{plainHint{usage: true}, 2, "tracer: cause\n"},
		{plainHint{cause: plainHint{hint: "the inner one"}}, 1, "tracer: cause\nhint: the inner one\n"},
		{&usageError{text: "--x", cause: plainHint{hint: "of the cause"}}, 2, "tracer: --x: cause\nhint: of the cause\n"},
		{fmt.Errorf("load: %w", logged{errors.New("")}), 1, "tracer: load: the short form\n"},
	} {
		var stderr bytes.Buffer
		if code := report(&stderr, c.err, false); code != c.code || stderr.String() != c.want {
			t.Errorf("%v: exit %d, %q; want %d and %q", c.err, code, &stderr, c.code, c.want)
		}
	}
}

func TestDebugReportsTheLongForm(t *testing.T) {
	var stderr bytes.Buffer
	report(&stderr, fmt.Errorf("load: %w", logged{errors.New("")}), true)
	if want := "tracer: load: the short form\nthe long form\n"; stderr.String() != want {
		t.Errorf("%q, want %q", &stderr, want)
	}
}

// FuzzReport checks that names in errors and hints cannot control a terminal.
func FuzzReport(f *testing.F) {
	f.Add("eth0")
	f.Add("a\x1b[2J\u009b\u202e\u2028\xff")
	f.Fuzz(func(t *testing.T, name string) {
		var w strings.Builder
		report(&w, &usageError{text: "interface " + name, hint: "the interfaces are " + name}, true)
		if text := w.String(); strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || !utf8.ValidString(text) {
			t.Errorf("%q", text)
		}
	})
}
