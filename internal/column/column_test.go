// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strings"
	"testing"

	"tracer/internal/event"

	"github.com/google/go-cmp/cmp"
)

func headers(o Options) string {
	var all []string
	for _, c := range Select(o) {
		if c.Header != "" {
			all = append(all, c.Header)
		}
	}
	return strings.Join(all, " ")
}

func TestSelectText(t *testing.T) {
	for o, want := range map[Options]string{
		{}:                                 "SKB CPU PROCESS FUNC",
		{Tuple: true}:                      "SKB CPU PROCESS TUPLE FUNC",
		{Meta: true, Tuple: true}:          "SKB CPU PROCESS NETNS MARK/x IFACE PROTO MTU LEN TUPLE FUNC",
		{Meta: true, Timestamp: Current}:   "SKB CPU PROCESS TIMESTAMP NETNS MARK/x IFACE PROTO MTU LEN FUNC",
		{Tuple: true, Timestamp: Relative}: "SKB CPU PROCESS TIMESTAMP TUPLE FUNC",
		{Timestamp: Absolute}:              "TIME SKB CPU PROCESS TIMESTAMP FUNC",
	} {
		if diff := cmp.Diff(want, headers(o)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", o, diff)
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	names := map[string]bool{}
	for _, c := range All() {
		if names[c.Name] || c.Name == "" {
			t.Errorf("name %q is empty or taken", c.Name)
		}
		names[c.Name] = true
		if c.Help == "" || c.Key == "" || c.Type == "" || c.Group == "" || c.JSON == nil {
			t.Errorf("column %q lacks a part: %+v", c.Name, c)
		}
		if (c.Header == "") != (c.Text == nil) || len(c.Header) > c.Width {
			t.Errorf("column %q: header %q, width %d, text function %t", c.Name, c.Header, c.Width, c.Text != nil)
		}
	}
}

func TestKeysAreUnique(t *testing.T) {
	for stamp := None; stamp <= Absolute; stamp++ {
		checkKeys(t, Select(Options{Meta: true, Tuple: true, Timestamp: stamp}))
	}
	checkKeys(t, Lost())
	checkKeys(t, Summary())
}

func checkKeys(t *testing.T, columns []Column) {
	t.Helper()
	keys := map[string]bool{"version": true, "type": true}
	for _, c := range columns {
		if keys[c.Key] {
			t.Errorf("key %q is taken twice", c.Key)
		}
		keys[c.Key] = true
	}
}

func TestValuesAllocateNothing(t *testing.T) {
	e := event.Event{Kind: event.Tracepoint, Drop: event.Drop{HasReason: true, Location: 1}}
	e.Names = event.Names{Func: "kfree_skb", Module: "m", Reason: "R", Location: "icmp_rcv+0x1", WallTime: 1}
	copy(e.Process.Comm[:], "a name\xff\n")
	dst := make([]byte, 0, 4096)
	for _, c := range append(append(All(), Lost()...), Summary()...) {
		for _, value := range []func([]byte, *event.Event) []byte{c.Text, c.JSON} {
			if value == nil {
				continue
			}
			if n := testing.AllocsPerRun(20, func() { value(dst, &e) }); n != 0 {
				t.Errorf("column %q: %v allocations, want none", c.Name, n)
			}
		}
	}
}

// cell is the text and the JSON of the one column named.
func cell(t *testing.T, name string, e event.Event) (text, json string) {
	t.Helper()
	for _, c := range All() {
		if c.Name == name {
			if c.Text != nil {
				text = string(c.Text(nil, &e))
			}
			return text, string(c.JSON(nil, &e))
		}
	}
	t.Fatalf("no column %q", name)
	return "", ""
}

func checkCell(t *testing.T, name string, e event.Event, text, json string) {
	t.Helper()
	gotText, gotJSON := cell(t, name, e)
	if gotText != text {
		t.Errorf("%s: text %q, want %q", name, gotText, text)
	}
	if gotJSON != json {
		t.Errorf("%s: JSON %s, want %s", name, gotJSON, json)
	}
}
