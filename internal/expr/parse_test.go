// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"testing"
)

// brackets returns the text of an expression with parentheses around each operator and its operands.
func brackets(e expression) string {
	switch e := e.(type) {
	case *name:
		return e.text
	case *constant:
		return fmt.Sprint(e.value)
	case *literal:
		return fmt.Sprintf("%q", e.text)
	case *member:
		return fmt.Sprintf("(%s.%s)", brackets(e.of), e.name)
	case *element:
		return fmt.Sprintf("(%s[%s])", brackets(e.of), brackets(e.index))
	case *prefixed:
		return fmt.Sprintf("(%s%s)", e.sign, brackets(e.of))
	case *infix:
		return fmt.Sprintf("(%s %s %s)", brackets(e.left), e.sign, brackets(e.right))
	case *cast:
		return fmt.Sprintf("({%s}%s)", typeName(e.to), brackets(e.of))
	case *call:
		return fmt.Sprintf("%s(%s)", e.function, brackets(e.argument))
	case *sizeOf:
		if e.of == nil {
			return fmt.Sprintf("sizeof{%s}", typeName(e.to))
		}
		return fmt.Sprintf("sizeof(%s)", brackets(e.of))
	}
	return "?"
}

func TestPrecedenceOfC(t *testing.T) {
	for text, want := range map[string]string{
		"a || b && c | d ^ e & f == g < h << i + j * k": "(a || (b && (c | (d ^ (e & (f == (g < (h << (i + (j * k))))))))))",
		"a * b + c << d < e == f & g ^ h | i && j || k": "((((((((((a * b) + c) << d) < e) == f) & g) ^ h) | i) && j) || k)",
		"a - b - c":                          "((a - b) - c)",
		"a / b % c * d":                      "(((a / b) % c) * d)",
		"a == b != c":                        "((a == b) != c)",
		"a >> b << c":                        "((a >> b) << c)",
		"a <= b > c >= d":                    "(((a <= b) > c) >= d)",
		"-a * !b":                            "((-a) * (!b))",
		"*a->b[c].d":                         "(*(((a.b)[c]).d))",
		"&a[1] - &*b":                        "((&(a[1])) - (&(*b)))",
		"(u32)a->b + c":                      "(({u32}(a.b)) + c)",
		"(a)->b":                             "(a.b)",
		"(a) - b":                            "(a - b)",
		"(u32) - b":                          "({u32}(-b))",
		"(struct pair *)a + b":               "(({struct pair *}a) + b)",
		"((struct pair const *)(a + b))->c":  "(({struct pair *}(a + b)).c)",
		"(const volatile unsigned char **)a": "({unsigned char **}a)",
		"(unsigned long long)a":              "({long unsigned int}a)",
		"(long unsigned)a":                   "({long unsigned int}a)",
		"(short int)a":                       "({short int}a)",
		"(union u)":                          "",
		"sizeof(struct pair) + sizeof a->b":  "(sizeof{struct pair} + sizeof((a.b)))",
		"sizeof(a)->b":                       "sizeof((a.b))",
		"ntohs(a) + 1":                       "(ntohs(a) + 1)",
		"(ntohs(a))":                         "ntohs(a)",
		"a--b":                               "",
		"a - -b":                             "(a - (-b))",
		"a->b == \"x\\\"y\"":                 `((a.b) == "x\"y")`,
		" a\t<\nb\r":                         "(a < b)",
		"0x1f + 017 + 0b11 + 12ull":          "(((31 + 15) + 3) + 12)",
		"'a' + ' ' + '\\t' + '\\'' + '\\0' + '\"'": "(((((97 + 32) + 9) + 39) + 0) + 34)",
	} {
		var err error
		var got string
		func() {
			defer caught(Skb, text, &err)
			got = brackets(parse(finder{newTypes()}, text))
		}()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, error %v, want %q", text, got, err, want)
		}
	}
}

func TestTypesOfExpressions(t *testing.T) {
	for text, want := range map[string]string{
		"1": "int", "2147483647": "int", "2147483648": "long int", "0x7fffffff": "int", "0x80000000": "unsigned int",
		"0xffffffff": "unsigned int", "0x100000000": "long int", "1u": "unsigned int", "4294967296u": "long unsigned int",
		"1l": "long int", "1UL": "long unsigned int", "1LLU": "long unsigned int", "0x8000000000000000": "long unsigned int",
		"9223372036854775807": "long int", "037777777777": "unsigned int", "'a'": "int", "true": "int", "NULL": "void *",
		"skb": "struct sk_buff *", "skb->ub": "u8", "skb->ub + 0": "int", "skb->ui + 0": "unsigned int", "skb->us << 1ul": "int",
		"skb->si + skb->ui": "unsigned int", "skb->ui + skb->sl": "long int", "skb->ul + skb->sl": "long unsigned int",
		"-skb->b2": "int", "+skb->e1": "unsigned int", "skb->d1 + 0": "long unsigned int", "!skb": "int", "skb == 0": "int",
		"&skb->arr": "u32[4] *", "skb->arr + 1": "u32 *", "&skb->name": "char[16] *", "skb->in->pairs": "struct pair *",
		"OPEN": "int", "LOW": "int", "HUGE": "long unsigned int", "sizeof(u8)": "long unsigned int", "ntohs(1)": "short unsigned int",
		"(struct pair *)1": "struct pair *", "skb->run": "function *", "*skb": "struct sk_buff", "skb->name": "char[16]",
		"skb->in->next": "struct inner *", "skb->state": "enum state", "&skb->us - &skb->us": "long int",
	} {
		if p := compiled(t, newTypes(), text); typeName(p.Type) != want {
			t.Errorf("%s has type %q, want %q", text, typeName(p.Type), want)
		}
	}
}
