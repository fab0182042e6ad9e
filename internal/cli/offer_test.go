// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	"tracer/internal/complete"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestEveryValueHasAnOffer wants it said of each flag with a value what may stand there, if
// only that anything may.
func TestEveryValueHasAnOffer(t *testing.T) {
	for _, topic := range topics() {
		flags := topic.flagsOf(&options{})
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

// TestWhatIsOfferedIsGood holds fixed words to the flags that they are offered for.
func TestWhatIsOfferedIsGood(t *testing.T) {
	for _, name := range []string{"backend", "returns-by", "filter-trace-bpf", "output-lookups", "timestamp", "color", "filter-func"} {
		flags := allFlags(&options{})
		words := valueOffer(flags.Lookup(name))("", &options{})
		if len(words) < 3 {
			t.Errorf("--%s: %d words are offered, want more", name, len(words))
		}
		for _, w := range words {
			if err := allFlags(&options{}).Set(name, w.Text); err != nil {
				t.Errorf("--%s %s: %v", name, w.Text, err)
			}
		}
	}
}

func TestOfferedColumnsAreGood(t *testing.T) {
	for json, args := range map[bool][]string{false: {"--output-xdp-metadata=xdp->data", "--filter-trace-xdp"}, true: {"--output-json", "--drop", "--output-xdp-metadata=xdp->data", "--filter-trace-xdp"}} {
		for _, w := range candidates(append(args, "--output-columns=")) {
			word := w.Text
			if strings.HasSuffix(word, "=stack") || strings.Contains(word, "=skb_") {
				word += ",skb" // lines below a row, which there has to be
			}
			if _, err := parse(append(args, "--output-skb-metadata=skb->len", word)); err != nil {
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
		"a list, at its beginning":      {listOf(abc), "", "a ab"},
		"a list, none twice":            {listOf(abc), "a,", "a,ab"},
		"a list that has them all":      {listOf(abc), "a,ab,", ""},
		"what is begun is not there":    {listOf(abc), "a,a", "a,ab"},
		"no negation":                   {negated(abc), "a", "a ab c,d"},
		"a negation":                    {negated(abc), "!a", "!a !ab !c,d"},
		"a negation in a list":          {listOf(negated(oneOf("x", "y"))), "x,!", "x,!x x,!y"},
		"inside of an expression":       {inside("|(", abc), "(a|(", "(a|(a (a|(ab (a|(c,d"},
		"files in a list stay a remark": {listOf(aFile), "a,b", ""},
		"several":                       {sum(abc, oneOf("z")), "", "a ab c,d z"},
		"anything":                      {anything, "x", ""},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(test.want, texts(test.offer(test.word, &options{}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
