// SPDX-License-Identifier: Apache-2.0

package column

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// described returns headers and widths, such as `SKB:9 TUPLE:29 FUNC:40`.
func described(columns []Column) string {
	var parts []string
	for _, c := range columns {
		if !c.Block {
			parts = append(parts, fmt.Sprintf("%s:%d", c.Header, c.Width))
		}
	}
	return strings.Join(parts, " ")
}

func TestLay(t *testing.T) {
	usual := Options{Meta: true, Tuple: true}
	tracked := Options{Meta: true, Tuple: true, ID: true}
	drops := Options{Meta: true, Tuple: true, Stack: true, Drops: true}
	for _, c := range []struct {
		options Options
		width   int
		want    string
	}{
		{usual, 0, "SKB:18 CPU:3 PROCESS:23 NETNS:10 MARK/x:8 IFACE:21 PROTO:6 MTU:5 LEN:6 TUPLE:64 FUNC:32"},
		{usual, 1, "FUNC:1"},
		{usual, 39, "FUNC:39"},
		{usual, 40, "TUPLE:19 FUNC:20"},
		{usual, 41, "TUPLE:20 FUNC:20"},
		{usual, 80, "SKB:9 IFACE:8 TUPLE:31 FUNC:29"},
		{usual, 120, "SKB:9 PROCESS:12 IFACE:8 TUPLE:44 FUNC:43"},
		{usual, 160, "SKB:9 CPU:3 PROCESS:16 NETNS:10 IFACE:11 LEN:6 TUPLE:52 FUNC:46"},
		{usual, 200, "SKB:9 CPU:3 PROCESS:16 NETNS:10 MARK/x:8 IFACE:11 PROTO:6 MTU:5 LEN:6 TUPLE:64 FUNC:52"},
		{usual, 300, "SKB:18 CPU:3 PROCESS:23 NETNS:10 MARK/x:8 IFACE:21 PROTO:6 MTU:5 LEN:6 TUPLE:64 FUNC:126"},
		{tracked, 80, "ID:10 IFACE:8 TUPLE:31 FUNC:28"},
		{tracked, 300, "SKB:18 CPU:3 ID:16 PROCESS:23 NETNS:10 MARK/x:8 IFACE:21 PROTO:6 MTU:5 LEN:6 TUPLE:64 FUNC:109"},
		{drops, 80, "IFACE:8 TUPLE:31 FUNC:39"},
		{drops, 120, "PROCESS:12 IFACE:8 TUPLE:44 FUNC:53"},
		{Options{Meta: true, Tuple: true, ID: true, Timestamp: Relative}, 80, "ID:10 SINCE-LAST:10 TUPLE:31 FUNC:26"},
		{Options{Meta: true, Tuple: true, Timestamp: Absolute}, 80, "TIME:15 SKB:9 TUPLE:24 FUNC:29"},
		{Options{Tuple: true, Caller: true}, 80, "SKB:9 TUPLE:20 FUNC:26 CALLER:22"},
		{Options{Meta: true, Tuple: true, ID: true, Timestamp: Absolute, Caller: true, Tunnel: true, Conntrack: true}, 120, "TIME:15 ID:10 TUPLE:19 TUNNEL:24 CONNTRACK:20 FUNC:27"},
		{Options{Chosen: []string{"cpu", "func"}}, 80, "CPU:3 FUNC:76"},
		{Options{Chosen: []string{"func", "cpu"}}, 80, "FUNC:64 CPU:15"},
		{Options{Chosen: []string{"mark", "mtu", "len", "skb"}}, 40, "MARK/x:8 MTU:5 LEN:6 SKB:18"},
		{Options{Chosen: []string{"mark", "mtu", "len", "skb"}}, 30, "MARK/x:8 MTU:5 LEN:6 SKB:18"}, // as without a terminal
		{Options{Chosen: []string{"mark", "mtu", "len", "skb"}}, 31, "MARK/x:8 MTU:5 LEN:6 SKB:9"},
	} {
		if got := described(Lay(c.options, c.width).Columns); got != c.want {
			t.Errorf("%d cells: %s, want %s", c.width, got, c.want)
		}
	}
}

// layouts are various selections of columns.
var layouts = []Options{
	{}, {Meta: true, Tuple: true}, {Meta: true, Tuple: true, ID: true}, {Meta: true, Tuple: true, Stack: true, Drops: true},
	{Tuple: true, Caller: true, Timestamp: Relative}, everything, {Meta: true, Lookups: true, BPFMap: true, Head: true, XDPMetadata: true},
}

// TestWiderTerminalsShowNoLess checks that no column gets narrower on a wider terminal, and that rows use
// its full width.
func TestWiderTerminalsShowNoLess(t *testing.T) {
	for _, o := range layouts {
		narrower := map[string]int{}
		for width := 1; width <= 700; width++ {
			l, sum := Lay(o, width), -1
			for i, c := range l.Columns {
				if c.Block {
					continue
				}
				sum += 1 + c.Width
				last := i == len(l.Columns)-1 || l.Columns[i+1].Block
				if !last && c.Width < narrower[c.Name] {
					t.Errorf("%+v: %s has %d cells of %d, and %d of %d", o, c.Name, narrower[c.Name], width-1, c.Width, width)
				}
				if !last {
					narrower[c.Name] = c.Width
				}
			}
			if sum != width || !l.Cut {
				t.Fatalf("%+v: %d of %d cells are used, values are cut: %t", o, sum, width, l.Cut)
			}
			if !slices.ContainsFunc(l.Columns, func(c Column) bool { return c.Name == "func" }) {
				t.Fatalf("%+v: no function on %d cells", o, width)
			}
		}
		if left := Lay(o, 700).LeftOut; left != nil {
			t.Errorf("%+v: %s left out of 700 cells", o, described(left))
		}
	}
}

// TestLeftOut checks that every text column is either in Columns or in LeftOut.
func TestLeftOut(t *testing.T) {
	l := Lay(Options{Meta: true, Tuple: true, Timestamp: Relative, Stack: true}, 80)
	if got := described(l.LeftOut); got != "CPU:0 PROCESS:0 NETNS:0 MARK/x:0 IFACE:0 PROTO:0 MTU:0 LEN:0" {
		t.Errorf("left out: %s", got)
	}
	if last := l.Columns[len(l.Columns)-1]; last.Name != "stack" {
		t.Errorf("the last column is %s, want the lines of the stack", last.Name)
	}
	if left := Lay(Options{Meta: true}, 0).LeftOut; left != nil {
		t.Errorf("left out without a terminal: %s", described(left))
	}
}

// TestSteps checks that every text column has growing steps, and that the smallest fits the header.
func TestSteps(t *testing.T) {
	for _, o := range layouts {
		for _, c := range table(o) {
			if c.Text == nil || c.Block {
				continue
			}
			if len(c.Screen.Steps) == 0 {
				t.Fatalf("column %s has no steps", c.Name)
			}
			header := c.onScreen(0).Header
			for i, s := range c.Screen.Steps {
				if s.Width < len(header) || i > 0 && (s.Width < c.Screen.Steps[i-1].Width || s.Rank <= c.Screen.Steps[i-1].Rank) {
					t.Errorf("column %s, header %s: steps %v", c.Name, header, c.Screen.Steps)
				}
			}
		}
	}
}
