// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known returns the values of a map.
func known(values map[string]uint64) Lookup {
	return func(name string) (uint64, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func TestFormula(t *testing.T) {
	values := known(map[string]uint64{"zero": 0, "mtu": 1500, "route.error": 113, "big": ^uint64(0)})
	for text, want := range map[string]string{
		"mtu > 1400 && route.error == 113": "1",
		"mtu > 1400 && zero":               "0",
		"zero || !zero":                    "1",
		"mtu - 1501 == -1":                 "1",
		"mtu - 1501 > mtu":                 "1", // unsigned
		"big == ~0":                        "1",
		"mtu / zero":                       "0",
		"mtu % zero":                       "1500",
		"1 << 65":                          "2",
		"mtu + 2 * 3 & 0xff":               "226",
		"nothing == 0":                     "unknown",
		"zero && nothing":                  "unknown",
		"mtu || nothing":                   "unknown",
		"known(nothing)":                   "0",
		"!known(nothing) && known(zero)":   "1",
		"known(route.error) && route.none": "unknown",
		"(mtu)":                            "1500",
	} {
		f, err := ParseFormula(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := "unknown"
		if value, known := f.Eval(values); known {
			got = fmt.Sprint(value)
		}
		if got != want {
			t.Errorf("%s = %s, want %s", text, got, want)
		}
	}
}

func TestFormulaNames(t *testing.T) {
	f, err := ParseFormula("a.b == 1 && known(c) && d + a.b > a && !known(e.f) && known(c)")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.b", "d", "a"}, f.Names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c", "e.f"}, f.Asked()); diff != "" {
		t.Error(diff)
	}
}

func TestWrongFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "a value is missing",
		"a ==":                 "a value is missing",
		"(int)a":               "only numbers, names and operators",
		"a[1]":                 "only numbers, names and operators",
		`a == "eth0"`:          "only numbers, names and operators",
		"sizeof a":             "only numbers, names and operators",
		"*a":                   "neither an address nor a target",
		"ntohs(a)":             "the only function is known()",
		"known(a + 1)":         "the name of a value is missing",
		"(a + 1).b":            "the name of a value is missing",
		"a = 1":                "use == to compare",
		"a && b)":              `unexpected ")"`,
		"99999999999999999999": "does not fit into 64 bits",
	} {
		_, err := ParseFormula(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// TestRandomFormulas compares formulas with the same computation in Go.
func TestRandomFormulas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		values := map[string]uint64{}
		for _, name := range []string{"a", "b", "c.d"} {
			if r.IntN(4) > 0 {
				values[name] = []uint64{0, 1, 2, 63, 1500, 1 << 40, ^uint64(0)}[r.IntN(7)]
			}
		}
		text, want, isKnown := randomFormula(r, values, 4)
		f, err := ParseFormula(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, gotKnown := f.Eval(known(values))
		if gotKnown != isKnown || isKnown && got != want {
			t.Fatalf("%s of %v = %d (known: %t), want %d (%t)", text, values, got, gotKnown, want, isKnown)
		}
	}
}

// randomFormula returns a formula, fully bracketed, its value, and whether all its variables are known.
func randomFormula(r *rand.Rand, values map[string]uint64, depth int) (text string, value uint64, isKnown bool) {
	if depth == 0 || r.IntN(5) == 0 {
		return randomOperand(r, values)
	}
	a, x, knowA := randomFormula(r, values, depth-1)
	if r.IntN(4) == 0 {
		sign := []string{"!", "~", "-"}[r.IntN(3)]
		return sign + "(" + a + ")", map[string]uint64{"!": one(x == 0), "~": ^x, "-": -x}[sign], knowA
	}
	b, y, knowB := randomFormula(r, values, depth-1)
	signs := []string{"+", "-", "*", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "&&", "||", ">>"}
	i := r.IntN(len(signs))
	all := []uint64{
		x + y, x - y, x * y, x & y, x | y, x ^ y, one(x == y), one(x != y), one(x < y), one(x <= y), one(x > y), one(x >= y),
		one(x != 0 && y != 0), one(x != 0 || y != 0), x >> (y % 64),
	}
	return fmt.Sprintf("(%s) %s (%s)", a, signs[i], b), all[i], knowA && knowB
}

func randomOperand(r *rand.Rand, values map[string]uint64) (text string, value uint64, isKnown bool) {
	name := []string{"a", "b", "c.d", "", "known"}[r.IntN(5)]
	switch name {
	case "":
		n := r.Uint64() >> r.IntN(64)
		return fmt.Sprint(n), n, true
	case "known":
		_, ok := values["c.d"]
		return "known(c.d)", one(ok), true
	}
	value, isKnown = values[name]
	return name, value, isKnown
}

func one(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// FuzzFormula checks that any text is either an error or a formula that can be evaluated.
func FuzzFormula(f *testing.F) {
	for _, text := range []string{"a.b == 1 && known(c)", "-1 > ~x", "((((", "a.", "known(", "1 /0", "\"", "sizeof(struct x)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := ParseFormula(text)
		if err != nil {
			return
		}
		if _, known := parsed.Eval(func(string) (uint64, bool) { return 7, true }); !known {
			t.Errorf("%q is unknown with all variables known", text)
		}
		parsed.Names()
	})
}
