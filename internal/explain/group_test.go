// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"testing"

	"tracer/internal/event"
)

// TestPiecesAreTheText checks for each cause that the pieces of its text are the text, with and without its optional parts.
func TestPiecesAreTheText(t *testing.T) {
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range table.causes {
		for _, keys := range [][]string{c.text.keys(false), slices.Concat(c.text.keys(false), c.text.keys(true))} {
			values := Values{}
			for _, key := range keys {
				values[key] = Value{Kind: event.WordFact, Text: "x." + key}
			}
			want, _ := c.text.fill(values)
			got := ""
			for _, p := range c.text.pieces(nil, values) {
				got += p.Text
			}
			if got != want {
				t.Errorf("%s: %q, want %q", c.ID, got, want)
			}
		}
	}
}

// acceptQueue are the values of accept-queue-full, and owner is the answer of a resolver if it is not empty.
func acceptQueue(port, waiting uint64, owner string) Answer {
	table, err := Load()
	if err != nil {
		panic(err)
	}
	i := slices.IndexFunc(table.causes, func(c *compiled) bool { return c.ID == "accept-queue-full" })
	values := Values{}
	for key, n := range map[string]uint64{"lport": port, "waiting": waiting, "limit": 128} {
		values["accept_queue."+key] = Value{Kind: event.NumberFact, Number: n, Text: fmt.Sprint(n)}
	}
	if owner != "" {
		values["owner"] = Value{Kind: event.WordFact, Text: owner}
	}
	return Answer{Cause: table.causes[i].Cause, Values: values}
}

// TestGroupIsTheThing checks that drops by the same socket have the same group, whatever the length of its queue.
func TestGroupIsTheThing(t *testing.T) {
	groupOfAnswer := func(a Answer) string {
		table, _ := Load()
		s := Stage{table: table}
		s.group(a)
		return s.why.Group
	}
	first := groupOfAnswer(acceptQueue(80, 129, "nginx[812]"))
	if same := groupOfAnswer(acceptQueue(80, 140, "nginx[812]")); same != first || first == "" {
		t.Errorf("%q and %q", first, same)
	}
	for _, other := range []Answer{acceptQueue(81, 129, "nginx[812]"), acceptQueue(80, 129, "nginx[900]")} {
		if got := groupOfAnswer(other); got == first {
			t.Errorf("another socket has the same group %q", got)
		}
	}
}

// TestIdentifyingNumbersExist checks that the list has no word that no text uses any more.
func TestIdentifyingNumbersExist(t *testing.T) {
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, c := range table.causes {
		for _, key := range slices.Concat(c.text.keys(false), c.text.keys(true)) {
			used[lastWord(key)] = true
		}
	}
	for _, word := range slices.Concat(identifying, changing) {
		if !used[word] {
			t.Errorf("no text has %s", word)
		}
	}
}
