// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	"tracer/internal/complete"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestEveryValueHasAnOffer checks that each flag with a value declares its completion, if only
// [anything].
func TestEveryValueHasAnOffer(t *testing.T) {
	for _, topic := range allTopics() {
		flags := topic.flags()
		flags.VisitAll(func(f *pflag.Flag) {
			if takesValue := f.Value.Type() != "bool"; takesValue != (topic.offers[f.Name] != nil) {
				t.Errorf("--%s, of topic %q: takes a value %v, has an offer for it %v", f.Name, topic.name, takesValue, !takesValue)
			}
		})
		for name := range topic.offers {
			if flags.Lookup(name) == nil {
				t.Errorf("topic %q has an offer for --%s, and no such flag", topic.name, name)
			}
		}
	}
}

func allTopics() (all []topic) {
	for _, c := range commands() {
		all = append(all, c.begin().topics...)
	}
	return all
}

// TestFixedOffersAreValid sets flags to the fixed words that completion offers for them.
func TestFixedOffersAreValid(t *testing.T) {
	for _, name := range []string{"backend", "returns-by", "filter-trace-bpf", "output-lookups", "why", "timestamp", "color", "filter-func"} {
		c := beginTrace(&options{})
		words := c.valueOffer(c.flags.Lookup(name))("")
		if len(words) < 3 {
			t.Errorf("--%s: %d words are offered, want more", name, len(words))
		}
		for _, w := range words {
			if err := traceFlags().Set(name, w.Text); err != nil {
				t.Errorf("--%s %s: %v", name, w.Text, err)
			}
		}
	}
}

func TestOfferedColumnsAreValid(t *testing.T) {
	for json, args := range map[bool][]string{false: {"--output-xdp-metadata=xdp->data", "--filter-trace-xdp"}, true: {"--output-json", "--drop", "--output-xdp-metadata=xdp->data", "--filter-trace-xdp"}} {
		for _, w := range candidates(append(args, "--output-columns=")) {
			word := w.Text
			if strings.HasSuffix(word, "=stack") || strings.HasSuffix(word, "=why") || strings.Contains(word, "=skb_") {
				word += ",skb" // lines below a row, which needs a column
			}
			if _, err := parseTrace(append(args, "--output-skb-metadata=skb->len", word)); err != nil {
				t.Errorf("json %v: %s: %v", json, word, err)
			}
		}
	}
}

func texts(words []complete.Word) string {
	var all []string
	for _, w := range words {
		all = append(all, w.Text)
	}
	return strings.Join(all, " ")
}

func TestOffers(t *testing.T) {
	abc := oneOf("a", "ab", "c,d")
	for what, test := range map[string]struct {
		offer      offer
		word, want string
	}{
		"the first word of a list":   {listOf(abc), "", "a ab"},
		"a list, each word once":     {listOf(abc), "a,", "a,ab"},
		"a list that has all words":  {listOf(abc), "a,ab,", ""},
		"a word that is being typed": {listOf(abc), "a,a", "a,ab"},
		"no negation":                {negated(abc), "a", "a ab c,d"},
		"a negation":                 {negated(abc), "!a", "!a !ab !c,d"},
		"a negation in a list":       {listOf(negated(oneOf("x", "y"))), "x,!", "x,!x x,!y"},
		"inside an expression":       {inside("|(", abc), "(a|(", "(a|(a (a|(ab (a|(c,d"},
		"files in a list":            {listOf(aFile), "a,b", ""},
		"several":                    {sum(abc, oneOf("z")), "", "a ab c,d z"},
		"anything":                   {anything, "x", ""},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(test.want, texts(test.offer(test.word))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
