// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorsNameThePlace(t *testing.T) {
	for _, test := range []struct {
		text string // with ^ before the place
		want string
	}{
		{"skb->^nope", `struct sk_buff has no member "nope"`},
		{"skb->in->^nxt", `struct inner has no member "nxt"`},
		{"skb->ub.^x", "u8 has no members"},
		{"skb->in->x->^y", "s32 has no members"},
		{"skb->unknown->^x", "the members of struct nowhere are not in the kernel's types"},
		{"skb->raw->^x", "what void * points to is not known"},
		{"^*skb->raw == 1", "what void * points to is not known"},
		{"^*skb->unknown", "struct nowhere is not a number"},
		{"^*skb->ub", "u8 is not a pointer"},
		{"skb->ub^[1]", "u8 has no elements"},
		{"skb->in^[skb->in]", ""},
		{"^sbk->len", `"sbk" is not known`},
		{"^ETH_P_IP == 1", "made with #define"},
		{"(struct ^nope *)skb", `this kernel has no struct "nope"`},
		{"(enum ^pair)1", `this kernel has no enum "pair"`},
		{"(struct ^)skb", "the name of the struct is missing"},
		{"(^unsigned void)1", "there is no such type of C"},
		{"^(struct pair)skb", "nothing can be cast to struct pair"},
		{"^(void)skb", "nothing can be cast to void"},
		{"skb->^pairs", "is an array, and its address is always true"},
		{"skb->pairs^[0]", "struct pair is not a number: name a member of it"},
		{"skb->ub && skb->pairs^[0]", "struct pair is not a number"},
		{"skb->^wide == 1", "__int128 is not a number"},
		{"skb->pairs[0] ^== 1", ""},
		{"skb->name ^== 'e'", "char[16] can't be compared with a number"},
		{`skb->ub ^== "x"`, "u8 can't be compared with a text"},
		{`skb->in ^== "x"`, "struct inner * can't be compared with a text"},
		{`skb->name ^< "x"`, "a text can only be compared with == or !="},
		{`^"x"`, "a text can only be compared"},
		{`skb->name == ^"12345678901234567"`, "the text of 17 bytes does not fit into char[16]"},
		{`skb->label == ^"` + strings.Repeat("x", 63) + `"`, "longer than 62 bytes"},
		{`skb->label == ^"a\0"`, "the text has a NUL"},
		{`"a" ^== "b"`, "two texts are compared"},
		{`skb->name == ^"eth0`, `no " closes`},
		{`^'a`, "no ' closes"},
		{`^'ab'`, "is not one character"},
		{`^''`, "is not one character"},
		{`^'\q'`, "unknown escape"},
		{"^12abc", "is not a number"},
		{"^09", "is not a number"},
		{"^1lul", "is not a number"},
		{"^0x", "is not a number"},
		{"^18446744073709551616", "does not fit into 64 bits"},
		{"skb->in ^& 1", ""},
		{"~^skb", ""},
		{"skb ^+ skb", "two pointers can't be added"},
		{"1 ^- skb", ""},
		{"^&skb", "what is not in memory has no address"},
		{"^&skb->b1", "a bitfield has no address"},
		{"^sizeof skb->b1", "a bitfield has no size"},
		{"^sizeof(*skb->unknown)", "the size of struct nowhere is not known"},
		{"^foo(1)", `there is no function "foo"`},
		{"ntohs(skb->in^)", ""},
		{"skb->ub ^= 1", "== compares"},
		{"skb->ub^++", "nothing can be changed"},
		{"skb->ub ^and 1", "&& is meant"},
		{"skb->ub ^? 1 : 2", "there is no ?:"},
		{"1^, 2", "one expression is wanted"},
		{"skb->ub ^1", `unexpected "1"`},
		{"skb->^", "the name of a member is missing at the end"},
		{"skb->^1", `the name of a member is missing before "1"`},
		{"(skb->ub^", ") is missing at the end"},
		{"skb->arr[1^", "] is missing at the end"},
		{"skb->arr[^]", `unexpected "]"`},
		{"^", "a value is missing at the end"},
		{"1 +^", "a value is missing at the end"},
		{"^)", `unexpected ")"`},
		{"1 ^@ 2", "unexpected character '@'"},
		{"1 ^é", "unexpected character 'é'"},
	} {
		checkError(t, test.text, test.want)
	}
}

func checkError(t *testing.T, marked, want string) {
	t.Helper()
	place := strings.Index(marked, "^")
	text := marked[:place] + marked[place+1:]
	_, err := Condition(newTypes(), Skb, text)
	var wrong *Error
	switch {
	case !errors.As(err, &wrong):
		t.Errorf("%q: %v", text, err)
	case !strings.Contains(wrong.Msg, want) || wrong.Expr != text || !wrong.Usage():
		t.Errorf("%v, want %q", err, want)
	case want != "" && wrong.Offset != place:
		t.Errorf("%v\n%s\nwant the caret at %d", err, wrong.Hint(), place)
	}
}

func TestErrorsOfValues(t *testing.T) {
	for text, want := range map[string]string{
		"skb->big":      "has 320 bytes, and at most 256 can be shown",
		"skb->tail":     "has no bytes: name an element",
		"*skb->run":     "a function has no value",
		"*skb->unknown": "the size of struct nowhere is not known",
		`"x"`:           "a text can only be compared",
		"skb->nope":     "has no member",
	} {
		if _, err := Value(newTypes(), Skb, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestHint(t *testing.T) {
	_, err := Condition(newTypes(), Skb, "skb->stat\n== 1")
	want := "did you mean state?\n  skb->stat == 1\n       ^"
	if got := err.(*Error).Hint(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	_, err = Condition(newTypes(), Skb, `"é" == skb->zzzz`)
	want = "the place in the expression:\n  \"é\" == skb->zzzz\n              ^"
	if got := err.(*Error).Hint(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if want := `skb expression "\"é\" == skb->zzzz": struct sk_buff has no member "zzzz"`; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestNearNames(t *testing.T) {
	for text, want := range map[string]string{
		"skb->nam": "name", "skb->qqqq": "", "SHUTT": "SHUT", "sbk": "skb", "ntohss(1)": "ntohs",
		"skb->in->fulll": "full", "skb->hihg": "high", "skb->nmae": "name", "ub == 1": "skb->ub", "low": "skb->low",
	} {
		_, err := Condition(newTypes(), Skb, text)
		if near := strings.Join(err.(*Error).Near, " "); !strings.Contains(near, want) || want == "" && near != "" {
			t.Errorf("%q: near are %q, want %q", text, near, want)
		}
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	for want, text := range map[string]string{
		"longer than 4096 bytes":                 strings.Repeat(" ", maxText) + "1",
		"expressions inside one another":         strings.Repeat("(", 1000) + "1",
		"more than 200 expressions inside":       strings.Repeat("!", 1000) + "1",
		"more than 200 expressions inside one a": strings.Repeat("skb->arr[", 300) + "1",
	} {
		if _, err := Condition(newTypes(), Skb, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
