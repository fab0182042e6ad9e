// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/event"
)

func number(n uint64) Value { return Value{Kind: event.NumberFact, Number: n, Text: fmt.Sprint(n)} }

// small is a table whose causes have every kind of relation.
func small(t *testing.T) *Table {
	t.Helper()
	table, err := newTable([]family{{
		name:  "f",
		sites: []Site{{Name: "s", Reasons: []string{"R", Unspecified}, Functions: []string{"f", "g"}}},
		decisions: []Decision{
			{Name: "end", Skb: "skb", Dies: true},
			{Name: "no", Skb: "skb", Denies: true},
		},
		causes: []Cause{
			{ID: "general", Site: "s", Text: "general"},
			{ID: "special", Site: "s", Refines: []string{"general"}, When: "a == 1", Text: "special {b}[[ of {c}]]", Remedy: "fix {x.dev}"},
			{ID: "other", Site: "s", Refines: []string{"general"}, When: "d == 1", Functions: []string{"g"}, Text: "other"},
			{ID: "reason", Site: "s", Reasons: []string{"R"}, Refines: []string{"general"}, When: "f == 1", Text: "reason"},
			{ID: "specified", Site: "s", Refines: []string{"general"}, When: "reason.specified && g == 1", Text: "specified"},
			{ID: "denial", Site: "s", When: "no.e == 1", Text: "denial"},
			{ID: "silent", Silent: "end", When: "end.e", Text: "silent {end.e}"},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestExplain(t *testing.T) {
	one, two := number(1), number(2)
	for name, test := range map[string]struct {
		drop Drop
		want string
	}{
		"only the general one":         {Drop{Reason: "R", Location: "f", Values: Values{}}, "general"},
		"another reason":               {Drop{Reason: "Q", Location: "f"}, ""},
		"another function":             {Drop{Reason: "R", Location: "h"}, ""},
		"a suffix and an offset":       {Drop{Reason: "R", Location: "f.constprop.0+0x12"}, "general"},
		"no reason on this kernel":     {Drop{Location: "g.isra.0"}, "general"},
		"a reason that must be there":  {Drop{Location: "f", Values: Values{"f": one}}, "general"},
		"that reason":                  {Drop{Reason: "R", Location: "f", Values: Values{"f": one}}, "reason"},
		"specified":                    {Drop{Reason: "R", Location: "f", Values: Values{"g": one}}, "specified"},
		"unspecified":                  {Drop{Reason: Unspecified, Location: "f", Values: Values{"g": one}}, "general"},
		"no reason, another function":  {Drop{Location: "h"}, ""},
		"the special one":              {Drop{Reason: "R", Location: "f", Values: Values{"a": one, "b": two}}, "special 2"},
		"an optional value":            {Drop{Reason: "R", Location: "f", Values: Values{"a": one, "b": two, "c": one}}, "special 2 of 1"},
		"a value of the text missing":  {Drop{Reason: "R", Location: "f", Values: Values{"a": one}}, "general"},
		"the condition is false":       {Drop{Reason: "R", Location: "f", Values: Values{"a": two, "b": two}}, "general"},
		"narrowed to another function": {Drop{Reason: "R", Location: "f", Values: Values{"d": one}}, "general"},
		"narrowed to this function":    {Drop{Reason: "R", Location: "g", Values: Values{"d": one}}, "other"},
		"two contradict":               {Drop{Reason: "R", Location: "g", Values: Values{"a": one, "b": one, "d": one}}, "special|other"},
		"a denial and another":         {Drop{Reason: "R", Location: "f", Values: Values{"a": one, "b": one, "no.e": one}}, "denial"},
		"silent":                       {Drop{Silent: "end", Values: Values{"end.e": two}}, "silent 2"},
		"silent at the same place":     {Drop{Silent: "end", Reason: "R", Location: "f", Values: Values{}}, ""},
	} {
		a := small(t).Explain(&test.drop)
		got := a.Text
		for i, c := range a.Contradicting {
			got += []string{"", "|"}[min(i, 1)] + c.ID
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if a.Cause != nil && len(a.Contradicting) > 0 {
			t.Errorf("%s: a cause in spite of a contradiction", name)
		}
	}
}

func TestRemedyWithoutValue(t *testing.T) {
	a := small(t).Explain(&Drop{Reason: "R", Location: "f", Values: Values{"a": number(1), "b": number(2)}})
	if a.Remedy != "fix DEV" {
		t.Errorf("remedy %q", a.Remedy)
	}
	a = small(t).Explain(&Drop{Reason: "R", Location: "f", Values: Values{"a": number(1), "b": number(2), "x.dev": {Text: "eth0"}}})
	if a.Remedy != "fix eth0" {
		t.Errorf("remedy %q", a.Remedy)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(a.Keys, want) {
		t.Errorf("keys %v, want %v", a.Keys, want)
	}
}

// TestNftGroups checks that drops by rules and by the policy of a chain have the rule as their group, on kernels that
// free the packet in nft_do_chain and on others.
func TestNftGroups(t *testing.T) {
	table := load(t)
	for _, test := range []struct {
		location, cause, group string
		handle                 uint64
	}{
		{"nft_do_chain+0x40f", "nft-rule", "inet/t/input handle 12", 12},
		{"nft_do_chain+0x5cd", "nft-policy", "inet/t/input handle 0", 0},
		{"nf_hook_slow+0xaa", "nft-rule-returned", "inet/t/input handle 12", 12},
		{"nf_hook_slow+0xaa", "nft-policy-returned", "inet/t/input handle 0", 0},
	} {
		values := Values{"nft_rule.handle": number(test.handle), "nft_rule.policy": number(0), "nft_rule.base": number(1), "nft_chain.verdict": number(0)}
		for key, text := range map[string]string{"family": "inet", "table": "t", "chain": "input", "hook": "input", "priority": "0"} {
			values["nft_rule."+key] = Value{Text: text}
		}
		a := table.Explain(&Drop{Reason: "NETFILTER_DROP", Location: test.location, Values: values})
		if a.Cause == nil || a.Cause.ID != test.cause || a.Group != test.group {
			t.Errorf("%s, handle %d: cause %+v, group %q", test.location, test.handle, a.Cause, a.Group)
		}
	}
}

// TestLegacyRules checks that a drop by a table of iptables-legacy or ebtables has the cause with the rule if that was
// found, and that its group names the rule if a resolver knows it.
func TestLegacyRules(t *testing.T) {
	table := load(t)
	for _, test := range []struct {
		values, cause, text, group string
	}{
		{"ipt", "iptables", "ip6tables-legacy, table filter, hook forward", ""},
		{"ipt xt", "iptables-rule", "ip6tables-legacy, table filter, hook forward", "ip6tables-legacy filter"},
		{"ipt xt name", "iptables-rule", "ip6tables-legacy, table filter, hook forward", "ip6tables-legacy filter FORWARD rule 3"},
		{"ebt", "ebtables", "ebtables, table filter, hook forward", ""},
		{"ebt ebtrule", "ebtables-rule", "ebtables, table filter, hook forward", "ebtables filter"},
	} {
		values := Values{}
		for word := range strings.FieldsSeq(test.values) {
			switch word {
			case "ipt", "ebt":
				values[word+"_table.verdict"], values[word+"_table.tool"] = number(0), Value{Text: "ip6tables-legacy"}
				values[word+"_table.table"], values[word+"_table.hook"] = Value{Text: "filter"}, Value{Text: "forward"}
			case "xt":
				values["xt_rule.size"] = number(400)
			case "ebtrule":
				values["ebt_rule.size"] = number(400)
			case "name":
				values["rule_name"] = Value{Text: "FORWARD rule 3"}
			}
		}
		a := table.Explain(&Drop{Reason: "NETFILTER_DROP", Location: "nf_hook_slow+0xaa", Values: values})
		if a.Cause == nil || a.Cause.ID != test.cause || a.Text != test.text || a.Group != test.group {
			t.Errorf("%s: cause %+v, text %q, group %q", test.values, a.Cause, a.Text, a.Group)
		}
	}
}

// world draws drops and values at random, with the numbers that conditions compare with.
type world struct {
	*rand.Rand
	table     *Table
	constants map[string][]uint64 // by key
}

var literals = regexp.MustCompile(`\b(0x[0-9a-f]+|\d+)\b`)

func newWorld(t testing.TB) *world {
	w := &world{rand.New(rand.NewPCG(3, 4)), load(t), map[string][]uint64{}}
	for _, c := range w.table.causes {
		for _, text := range literals.FindAllString(c.When, -1) {
			n, _ := strconv.ParseUint(text, 0, 64)
			for _, key := range c.keys() {
				w.constants[key] = append(w.constants[key], n, n+1, n-1, n<<24, n<<28)
			}
		}
	}
	return w
}

// values returns values for the keys of some causes. Those of a decision are all known or all unknown, as in
// the kernel, apart from a few. At most one decision denied the packet.
func (w *world) values(causes []*compiled) Values {
	values, present := Values{}, map[string]bool{}
	for name := range w.decisionsOf(causes) {
		present[name] = w.IntN(3) > 0
	}
	w.denyOnce(present)
	for _, c := range causes {
		for _, key := range c.keys() {
			decision, _, isDecision := strings.Cut(key, ".")
			if (!isDecision || present[decision]) && w.IntN(40) > 0 {
				values[key] = number(w.number(key))
			}
		}
	}
	return values
}

// decisionsOf returns the names of the decisions in the keys of causes.
func (w *world) decisionsOf(causes []*compiled) map[string]bool {
	names := map[string]bool{}
	for _, c := range causes {
		for _, key := range c.keys() {
			if decision, _, isDecision := strings.Cut(key, "."); isDecision {
				names[decision] = true
			}
		}
	}
	return names
}

// denyOnce keeps one of the decisions with Denies, and those around it.
func (w *world) denyOnce(present map[string]bool) {
	var denying []string
	for _, name := range slices.Sorted(maps.Keys(present)) {
		if w.table.Decision(name).Denies {
			denying = append(denying, name)
			present[name] = false
		}
	}
	if len(denying) == 0 || w.IntN(6) == 0 {
		return
	}
	for name := denying[w.IntN(len(denying))]; name != ""; name = w.table.Decision(name).Inside {
		present[name] = true
	}
}

func (w *world) number(key string) uint64 {
	if list := w.constants[key]; len(list) > 0 && w.IntN(2) > 0 {
		return list[w.IntN(len(list))]
	}
	return []uint64{0, 0, 1, 1, 2, 3, 101, 1400, 1500, 9000, 1 << 30, 10<<24 + 1}[w.IntN(12)]
}

// drop returns a random drop at the place of a cause.
func (w *world) drop(c *compiled) *Drop {
	d := &Drop{Silent: c.Silent}
	if c.Silent != "" {
		d.Values = w.values(w.at(d))
		return d
	}
	reasons, functions := c.at()
	d.Location = "somewhere"
	if len(functions) > 0 {
		d.Location = functions[w.IntN(len(functions))]
	}
	d.Reason = "SOME_REASON"
	if len(reasons) > 0 {
		d.Reason = reasons[w.IntN(len(reasons))]
	}
	d.Values = w.values(w.at(d))
	return d
}

// at returns the causes of drops at the same place.
func (w *world) at(d *Drop) []*compiled {
	var list []*compiled
	for _, c := range w.table.causes {
		if c.applies(d) {
			list = append(list, c)
		}
	}
	return list
}

// TestNoContradictions checks that causes that can hold at the same time are ordered by Refines, or by a denial.
func TestNoContradictions(t *testing.T) {
	w := newWorld(t)
	pairs := map[string]string{}
	for range 100 {
		for _, c := range w.table.causes {
			d := w.drop(c)
			a := w.table.Explain(d)
			for i := 1; i < len(a.Contradicting); i++ {
				pairs[a.Contradicting[0].ID+" and "+a.Contradicting[i].ID] = fmt.Sprintf("%s at %s", d.Reason, d.Location)
			}
		}
	}
	for _, pair := range slices.Sorted(maps.Keys(pairs)) {
		t.Errorf("%s can hold together: %s", pair, pairs[pair])
	}
}

// TestEveryCauseCanBeChosen checks that some values make each cause the answer.
func TestEveryCauseCanBeChosen(t *testing.T) {
	w := newWorld(t)
	for _, c := range w.table.causes {
		if !c.Note && !w.canBeChosen(c) {
			t.Errorf("%s was never chosen", c.ID)
		}
	}
}

// canBeChosen tries the values that the condition compares with.
func (w *world) canBeChosen(c *compiled) bool {
	numbers := []uint64{0, 1, 1, 2, 1500, 9000, 10<<24 + 1, 1 << 31}
	for _, text := range literals.FindAllString(c.When, -1) {
		n, _ := strconv.ParseUint(text, 0, 64)
		numbers = append(numbers, n, n, n+1, n-1, n<<24, n<<28)
	}
	for range 20000 {
		d := w.drop(c)
		d.Values = Values{}
		for _, key := range c.keys() {
			d.Values[key] = number(w.oneOf(numbers))
		}
		if w.table.Explain(d).Cause == c.Cause {
			return true
		}
	}
	return false
}

// oneOf returns one of the numbers, often 0 or 1, which most conditions need.
func (w *world) oneOf(numbers []uint64) uint64 {
	if w.IntN(2) > 0 {
		return uint64(w.IntN(2))
	}
	return numbers[w.IntN(len(numbers))]
}

// TestUnknownValues checks that a cause is not chosen if any value in its condition, or outside the optional parts of its
// text, is unknown.
func TestUnknownValues(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		for _, c := range w.table.causes {
			d := w.drop(c)
			a := w.table.Explain(d)
			if a.Cause == nil {
				continue
			}
			for _, key := range w.needed(a.Cause) {
				less := *d
				less.Values = maps.Clone(d.Values)
				delete(less.Values, key)
				if again := w.table.Explain(&less); again.Cause == a.Cause {
					t.Fatalf("%s is chosen without %s", a.Cause.ID, key)
				}
			}
		}
	}
}

func (w *world) needed(of *Cause) []string {
	i := slices.IndexFunc(w.table.causes, func(c *compiled) bool { return c.Cause == of })
	return w.table.causes[i].needed()
}

// FuzzExplain checks that any drop has an answer without a panic, and a text without placeholders.
func FuzzExplain(f *testing.F) {
	f.Add("IP_RPFILTER", "ip_rcv_finish_core.isra.0+0x1", uint64(3))
	f.Add("", "ip_error", uint64(9))
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, reason, location string, seed uint64) {
		w.Rand = rand.New(rand.NewPCG(seed, 1))
		d := w.drop(w.table.causes[int(seed%uint64(len(w.table.causes)))])
		if seed%2 == 0 {
			d.Reason, d.Location = reason, location
		}
		if a := w.table.Explain(d); strings.ContainsAny(a.Text, "{}") || strings.Contains(a.Text, "[[") || a.Cause != nil && a.Text == "" {
			t.Errorf("text %q", a.Text)
		}
	})
}
