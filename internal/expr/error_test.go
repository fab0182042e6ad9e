// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestErrorsHaveTheOffset(t *testing.T) {
	for _, test := range []struct {
		text string // with ^ at the offset of the error
		want string
	}{
		{"skb->^nope", `struct sk_buff has no member "nope"`},
		{"skb->in->^nxt", `struct inner has no member "nxt"`},
		{"skb->ub.^x", "u8 has no members"},
		{"skb->in->x->^y", "s32 has no members"},
		{"skb->unknown->^x", "the kernel's BTF does not describe the members of struct nowhere"},
		{"skb->raw->^x", "the type behind void * is unknown"},
		{"^*skb->raw == 1", "the type behind void * is unknown"},
		{"^*skb->unknown", "struct nowhere is not a number"},
		{"^*skb->ub", "u8 is not a pointer"},
		{"skb->ub^[1]", "u8 has no elements"},
		{"skb->in^[skb->in]", ""},
		{"^sbk->len", `"sbk" is unknown`},
		{"^ETH_P_IP == 1", "BTF has no #define constants"},
		{"(struct ^nope *)skb", `this kernel has no struct "nope"`},
		{"(enum ^pair)1", `this kernel has no enum "pair"`},
		{"(struct ^)skb", "the name of the struct is missing"},
		{"(^unsigned void)1", "C has no such type"},
		{"^(struct pair)skb", "can't cast to struct pair"},
		{"^(void)skb", "can't cast to void"},
		{"skb->^pairs", "is an array, whose address is always true"},
		{"skb->pairs^[0]", "struct pair is not a number: name a member of it"},
		{"skb->ub && skb->pairs^[0]", "struct pair is not a number"},
		{"skb->^wide == 1", "__int128 is not a number"},
		{"skb->pairs[0] ^== 1", ""},
		{"skb->name ^== 'e'", "char[16] can't be compared with a number"},
		{`skb->ub ^== "x"`, "u8 can't be compared with a string"},
		{`skb->in ^== "x"`, "struct inner * can't be compared with a string"},
		{`skb->name ^< "x"`, "a string can only be compared with == or !="},
		{`^"x"`, "a string can only be compared"},
		{`skb->name == ^"12345678901234567"`, "the string of 17 bytes does not fit into char[16]"},
		{`skb->label == ^"` + strings.Repeat("x", 63) + `"`, "longer than 62 bytes"},
		{`skb->label == ^"a\0"`, "the string contains a NUL"},
		{`"a" ^== "b"`, "two string constants are compared"},
		{`skb->name == ^"eth0`, `a closing " is missing`},
		{`^'a`, "a closing ' is missing"},
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
		{"^&skb", "only a value in kernel memory has an address"},
		{"^&skb->b1", "a bitfield has no address"},
		{"^sizeof skb->b1", "a bitfield has no size"},
		{"^sizeof(*skb->unknown)", "the size of struct nowhere is unknown"},
		{"^foo(1)", `unknown function "foo"`},
		{"skb->arr[^4]", "index 4 is out of range: u32[4] has the elements 0 to 3"},
		{"skb->arr[^-1] == 1", "index -1 is out of range"},
		{"skb->arr[2 ^+ 2]", "index 4 is out of range"},
		{"skb->arr[^sizeof skb->us * 2]", ""},
		{"skb->cb[^48]", "index 48 is out of range: char[48] has the elements 0 to 47"},
		{"skb->grid[1][^3]", "index 3 is out of range"},
		{"skb->grid[^2][0]", "index 2 is out of range"},
		{"skb->pairs[^3].a", "index 3 is out of range"},
		{"skb->in->bytes[^5]", "index 5 is out of range"},
		{"skb->arr[^LOW]", "index -3 is out of range"},
		{"ntohs(skb->in^)", ""},
		{"skb->ub ^= 1", "use == to compare"},
		{"skb->ub^++", "an expression can't change a value"},
		{"skb->ub ^and 1", "use &&"},
		{"skb->ub ^? 1 : 2", "?: is not supported"},
		{"1^, 2", "write one expression"},
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
		"skb->big":      "has 320 bytes, but at most 256 can be shown",
		"skb->tail":     "has no size: name an element",
		"*skb->run":     "a function has no value",
		"*skb->unknown": "the size of struct nowhere is unknown",
		`"x"`:           "a string can only be compared",
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
	want = "the error is here:\n  \"é\" == skb->zzzz\n              ^"
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
		"skb->sk_state": "common.skc_state", "skb->skc_state": "common.skc_state", "skb->inet_num": "common.skc_num",
		"skb->sk_num2": "",
	} {
		_, err := Condition(newTypes(), Skb, text)
		if near := strings.Join(err.(*Error).Near, " "); !strings.Contains(near, want) || want == "" && near != "" {
			t.Errorf("%q: near are %q, want %q", text, near, want)
		}
	}
}

// TestVariant checks that a variant compiles like any value, and that its error suggests nothing.
func TestVariant(t *testing.T) {
	for _, text := range []string{"skb->low + 1", "skb->nam", "nothing", "ntohs(skb->nothing)"} {
		value, err := Value(newTypes(), Skb, text)
		variant, terse := Variant(newTypes(), Skb, text)
		if (err == nil) != (terse == nil) {
			t.Errorf("%s: error %v, of the variant %v", text, err, terse)
			continue
		}
		if err != nil {
			if near := terse.(*Error).Near; terse.(*Error).Offset != err.(*Error).Offset || len(near) > 0 {
				t.Errorf("%s: %+v, of the variant %+v", text, err, terse)
			}
			continue
		}
		if fmt.Sprint(value.Body) != fmt.Sprint(variant.Body) {
			t.Errorf("%s: another body:\n%v\n%v", text, value.Body, variant.Body)
		}
	}
}

func TestTooLongAndTooDeepAreRejected(t *testing.T) {
	for want, text := range map[string]string{
		"longer than 4096 bytes":             strings.Repeat(" ", maxText) + "1",
		"nests more than":                    strings.Repeat("(", 1000) + "1",
		"nests more than 200 expressions":    strings.Repeat("!", 1000) + "1",
		"it nests more than 200 expressions": strings.Repeat("skb->arr[", 300) + "1",
	} {
		if _, err := Condition(newTypes(), Skb, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
