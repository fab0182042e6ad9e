// SPDX-License-Identifier: Apache-2.0

package column

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// chosen returns the names of the columns that are printed, in order.
func chosen(t *testing.T, words string, o Options, json bool) string {
	t.Helper()
	names, err := Choose(strings.Split(words, ","), o, json)
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	o.Chosen = names
	var printed []string
	for _, c := range Select(o) {
		printed = append(printed, c.Name)
	}
	return strings.Join(printed, ",")
}

func TestChoose(t *testing.T) {
	usual := Options{Meta: true, Tuple: true}
	for words, want := range map[string]string{
		"func,skb": "func,skb", "FUNC,Skb": "func,skb", "mark/X,NETNS-NAME": "mark,netns_name", "len,stack": "len,stack",
		"current": "current", "relative,monotonic": "relative,monotonic", "CB,tunnel,CALLER": "cb,tunnel,caller",
	} {
		for _, o := range []Options{usual, {}} {
			if got := chosen(t, words, o, false); got != want {
				t.Errorf("%s: %s, want %s", words, got, want)
			}
		}
	}
	if got := chosen(t, "comm,stack,pid", usual, true); got != "comm,stack,pid" {
		t.Errorf("JSON: %s", got)
	}
}

// TestOptionsResolveAmbiguousNames checks that options select a column if several have the same header or
// key, but add none to the list.
func TestOptionsResolveAmbiguousNames(t *testing.T) {
	for _, c := range []struct {
		options Options
		words   string
		want    string
	}{
		{Options{Timestamp: Relative}, "func,skb", "func,skb"},
		{Options{Timestamp: Absolute}, "func", "func"},
		{Options{Timestamp: Absolute}, "func,TIMESTAMP", "func,monotonic"},
		{Options{Timestamp: Relative}, "func,timestamp", "func,relative"},
		{Options{}, "func,since-last", "func,relative"},
		{Options{Timestamp: Relative}, "func,current", "func,current"},
		{Options{Timestamp: Relative}, "func,time", "func,relative"},
		{Options{Timestamp: Absolute}, "func,time", "func,time"},
		{Options{}, "func,time", "func,time"},
		{Options{Meta: true, Tuple: true, Stack: true, Caller: true}, "func", "func"},
		{Options{Stack: true, Metadata: true}, "stack,func", "stack,func"},
	} {
		if got := chosen(t, c.words, c.options, false); got != c.want {
			t.Errorf("%s with %+v: %s, want %s", c.words, c.options, got, c.want)
		}
	}
}

func TestSetsOfColumns(t *testing.T) {
	usual := Options{Meta: true, Tuple: true}
	const usualText = "skb,cpu,process,netns,mark,iface,proto,mtu,len,tuple,func"
	for _, c := range []struct {
		options Options
		words   string
		want    string
	}{
		{usual, "default", usualText},
		{usual, "Default,caller", usualText + ",caller"},
		{usual, "caller,DEFAULT", "caller," + usualText},
		{usual, "func,default", "func," + strings.TrimSuffix(usualText, ",func")},
		{Options{}, "default,len", "skb,cpu,process,func,len"},
		{Options{ID: true, Timestamp: Relative, Stack: true}, "default", "skb,cpu,id,process,relative,func,stack"},
		{Options{}, "default,default,default", "skb,cpu,process,func"},
		{usual, "len,all,cpu", "len,time,skb,id,process,monotonic,netns,mark,iface,proto,mtu,cb,netns_name,tuple,tunnel,conntrack,func,netfilter,caller,cpu"},
		{Options{Timestamp: Relative, Lookups: true, Stack: true}, "all", "skb,cpu,id,process,relative,netns,mark,iface,proto,mtu,len,cb,netns_name,tuple,tunnel,conntrack,func,lookup,netfilter,caller,stack"},
		{Options{Timestamp: Relative}, "current,all", "current,skb,cpu,id,process,relative,netns,mark,iface,proto,mtu,len,cb,netns_name,tuple,tunnel,conntrack,func,netfilter,caller"},
	} {
		if got := chosen(t, c.words, c.options, false); got != c.want {
			t.Errorf("%s with %+v:\n%s, want\n%s", c.words, c.options, got, c.want)
		}
	}
}

// TestAllInJSON checks that `all` has each key once, and no column that needs additional events or probes.
func TestAllInJSON(t *testing.T) {
	names := strings.Split(chosen(t, "all", Options{}, true), ",")
	for _, c := range All() {
		more := c.Group == Return || c.Group == Duration || c.Group == Program || c.Group == Lookups || c.Group == BPFMap || c.Group == Why
		lacks := more || c.Group == First || c.Group == Head || c.Group == Metadata || c.Group == XDPMetadata || c.Group == Time && c.timestamp != Absolute
		if has := slices.Contains(names, c.Name); has == lacks {
			t.Errorf("column %s is there: %t", c.Name, has)
		}
	}
	if got := chosen(t, "relative,all", Options{Timestamp: Current}, true); strings.Contains(got, "current") || !strings.HasPrefix(got, "relative,skb") {
		t.Errorf("%s has one key twice", got)
	}
}

func TestOmitted(t *testing.T) {
	for _, c := range []struct {
		options Options
		json    bool
		want    string
	}{
		{Options{Timestamp: Relative}, false, ""},
		{Options{Timestamp: Relative, Chosen: []string{"func"}}, false, "relative"},
		{Options{Timestamp: Absolute, Chosen: []string{"func"}}, false, "time monotonic"},
		{Options{Timestamp: Absolute, Chosen: []string{"func", "current"}}, false, ""},
		{Options{Meta: true, Tuple: true, Program: true, Head: true, Chosen: []string{"func"}}, true, ""},
		{Options{ID: true, Stack: true, Chosen: []string{"func", "stack"}}, false, "id"},
		{Options{ID: true, Chosen: []string{"func", "id"}}, true, "part parent origin"},
		{Options{Return: true, Chosen: []string{"func"}}, false, ""},
		{Options{Return: true, Chosen: []string{"func"}}, true, "return"},
	} {
		if got := strings.Join(Omitted(c.options, c.json), " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.options, got, c.want)
		}
	}
}

func TestBadChoices(t *testing.T) {
	for _, c := range []struct {
		words string
		json  bool
		want  string
	}{
		{"skb,nosuch", false, `column "nosuch": no such column`},
		{"skb,", false, `column "": no such column`},
		{"skb,cpu,SKB", true, `column "SKB": named twice`},
		{"skb,pid", false, `column "pid": printed in JSON only, not in text`},
		{"current,relative", true, `column "relative": has the same key "time" as "current"`},
		{"TIMESTAMP", false, `column "TIMESTAMP": could be current or relative or monotonic`},
		{"skb_metadata", true, `column "skb_metadata": no expressions are given`},
		{"default,skb,skb", false, `column "skb": named twice`},
		{"stack,skb_dump", false, `column "stack,skb_dump": printed below a row, and no column of the row is named`},
	} {
		_, err := Choose(strings.Split(c.words, ","), Options{}, c.json)
		var choice *ChoiceError
		if !errors.As(err, &choice) || !choice.Usage() || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.words, err, c.want)
		}
	}
	if _, err := Choose([]string{"nosuch"}, Options{}, true); !errors.Is(err, ErrUnknown) {
		t.Errorf("error %v, want ErrUnknown in its chain", err)
	}
	if got := chosen(t, "stack", Options{}, true); got != "stack" {
		t.Errorf("JSON: %s, want only the stack", got)
	}
}
