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
	for want, o := range map[string]Options{
		"SKB CPU PROCESS FUNC":                                                {},
		"SKB CPU PROCESS TUPLE FUNC":                                          {Tuple: true},
		"SKB CPU PROCESS NETNS MARK/x IFACE PROTO MTU LEN TUPLE FUNC":         {Meta: true, Tuple: true},
		"SKB CPU PROCESS TIMESTAMP NETNS MARK/x IFACE PROTO MTU LEN FUNC":     {Meta: true, Timestamp: Current},
		"SKB CPU PROCESS TIMESTAMP TUPLE FUNC":                                {Tuple: true, Timestamp: Relative},
		"TIME SKB CPU PROCESS TIMESTAMP FUNC":                                 {Timestamp: Absolute},
		"SKB CPU PROCESS NETNS MARK/x IFACE PROTO MTU LEN CB NETNS-NAME FUNC": {Meta: true, CB: true, NetnsName: true},
		"SKB CPU PROCESS TUPLE TUNNEL CONNTRACK FUNC NETFILTER CALLER METADATA": {
			Tuple: true, Tunnel: true, Conntrack: true, Netfilter: true, Caller: true, Metadata: true, Stack: true, Skb: true, Shared: true,
		},
	} {
		if diff := cmp.Diff(want, headers(o)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", o, diff)
		}
	}
}

func TestBlocksAreLast(t *testing.T) {
	all := Select(everything)
	for i, want := range []string{"why", "stack", "skb_dump", "skb_shared_info"} {
		if c := all[len(all)-4+i]; c.Name != want || !c.Block {
			t.Errorf("column %q, block %t, want the block %q", c.Name, c.Block, want)
		}
	}
}

// everything selects all columns that can be printed together.
var everything = Options{
	Meta: true, Tuple: true, Timestamp: Absolute, TCPFlags: true, TCPSeq: true, NetnsName: true, CB: true, Tunnel: true,
	Caller: true, Stack: true, Skb: true, Shared: true, Metadata: true, Netfilter: true, Conntrack: true, Why: true,
}

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		options Options
		want    []Group
	}{
		{Options{}, []Group{Packet}},
		{Options{Meta: true, Timestamp: Current}, []Group{Packet, Meta, Time}},
		{Options{Meta: true, Tuple: true, Chosen: []string{"func"}}, []Group{Packet}},
		{Options{Chosen: []string{"len", "stack"}, TCPSeq: true}, []Group{Meta, Stack}},
		{Options{Chosen: []string{"tuple"}, Caller: true}, []Group{Tuple}},
		{everything, []Group{Packet, Meta, Time, Tuple, CB, NetnsName, Tunnel, Conntrack, Netfilter, Caller, Metadata, Why, Stack, Skb, Shared}},
	} {
		want := map[Group]bool{}
		for _, g := range c.want {
			want[g] = true
		}
		if diff := cmp.Diff(want, Needs(c.options)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.options, diff)
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
		if (c.Header != "" || c.Block) != (c.Text != nil) || c.Header != "" && c.Block || len(c.Header) > c.Width {
			t.Errorf("column %q: header %q, width %d, text function %t, block %t", c.Name, c.Header, c.Width, c.Text != nil, c.Block)
		}
	}
}

func TestKeysAreUnique(t *testing.T) {
	for stamp := None; stamp <= Absolute; stamp++ {
		o := everything
		o.Timestamp = stamp
		checkKeys(t, Select(o))
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
	e.Names.Netns, e.Names.Caller, e.Stack = "a name of more than 16", "ip_rcv+0x1", []event.Frame{{Addr: 1}, {Symbol: "ip_rcv", Module: "m"}}
	e.Values = []event.NamedValue{{Name: "skb->len", Value: shown("84")}, {Name: "x"}}
	copy(e.Process.Comm[:], "a name\xff\n")
	e.Loss, e.Totals = &event.Loss{}, &event.Totals{Causes: []event.CauseCount{{Cause: "no-route"}}}
	e.Why = new(rpFilter())
	e.Why.Values = e.Why.Values[:4] // a list of words allocates
	e.Tuple = tcp(0x12)
	e.Tunnel = &event.Tunnel{Kind: event.VXLAN, HasID: true, ID: 42, Tuple: tcp(0x12)}
	dst := make([]byte, 0, 4096)
	for _, c := range append(append(table(everything), Lost()...), Summary()...) {
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

// cell returns the text and the JSON of a column.
func cell(t *testing.T, name string, e event.Event) (text, json string) {
	t.Helper()
	return cellOf(t, Options{}, name, e)
}

func cellOf(t *testing.T, o Options, name string, e event.Event) (text, json string) {
	t.Helper()
	for _, c := range table(o) {
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
	checkCellOf(t, Options{}, name, e, text, json)
}

func checkCellOf(t *testing.T, o Options, name string, e event.Event, text, json string) {
	t.Helper()
	gotText, gotJSON := cellOf(t, o, name, e)
	if gotText != text {
		t.Errorf("%s: text %q, want %q", name, gotText, text)
	}
	if gotJSON != json {
		t.Errorf("%s: JSON %s, want %s", name, gotJSON, json)
	}
}
