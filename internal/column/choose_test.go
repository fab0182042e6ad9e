// SPDX-License-Identifier: Apache-2.0

package column

import (
	"errors"
	"strings"
	"testing"
)

// chosen is the names of the columns printed, in their order.
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

// TestOptionsAddToTheChosen: what was asked for by name is printed.
func TestOptionsAddToTheChosen(t *testing.T) {
	for _, c := range []struct {
		options Options
		words   string
		want    string
	}{
		{Options{Timestamp: Relative}, "func,skb", "relative,func,skb"},
		{Options{Timestamp: Absolute}, "func", "time,monotonic,func"},
		{Options{Timestamp: Absolute}, "func,TIMESTAMP", "func,monotonic"},
		{Options{Timestamp: Relative}, "func,timestamp", "func,relative"},
		{Options{Timestamp: Relative}, "func,current", "func,current"},
		{Options{Timestamp: Relative}, "func,time", "func,relative"},
		{Options{Timestamp: Absolute}, "func,time", "func,time"},
		{Options{}, "func,time", "func,time"},
		{Options{Meta: true, Tuple: true, Stack: true, Caller: true}, "func", "func,caller,stack"},
		{Options{Stack: true, Metadata: true}, "stack,func", "stack,func,skb_metadata"},
	} {
		if got := chosen(t, c.words, c.options, false); got != c.want {
			t.Errorf("%s with %+v: %s, want %s", c.words, c.options, got, c.want)
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
		{"skb,pid", false, `column "pid": is in JSON only, not in text`},
		{"current,relative", true, `column "relative": its key "time" is taken by "current"`},
		{"TIMESTAMP", false, `column "TIMESTAMP": could be current or relative or monotonic`},
		{"skb_metadata", true, `column "skb_metadata": there are no expressions, which --output-skb-metadata gives`},
		{"stack,skb_dump", false, `column "stack,skb_dump": nothing but lines below the row, and no row`},
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
		t.Errorf("JSON: %s, want the stack alone", got)
	}
}
