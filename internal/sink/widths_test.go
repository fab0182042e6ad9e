// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"tracer/internal/column"
	"tracer/internal/event"
)

// run is a selection of columns and the events to print.
type run struct {
	options column.Options
	events  []event.Event
}

func runs() map[string]run {
	return map[string]run{
		"ping": {column.Options{Meta: true, Tuple: true}, pingEvents()},
		"tcp":  {column.Options{Meta: true, Tuple: true, ID: true, Timestamp: column.Relative, TCPFlags: true}, tcpEvents()},
		"drop": {column.Options{Meta: true, Tuple: true, Stack: true, Drops: true}, dropEvents()},
	}
}

// TestWidths prints the runs of three common commands on terminals of three widths.
func TestWidths(t *testing.T) {
	for name, s := range runs() {
		for _, width := range []int{80, 120, 160} {
			t.Run(fmt.Sprintf("%s %d", name, width), func(t *testing.T) {
				got := printedAs(t, Options{Columns: s.options, Width: width}, s.events)
				checkGolden(t, filepath.Join("testdata", fmt.Sprintf("%s-%d.txt", name, width)), got)
			})
		}
	}
}

func printedAs(t *testing.T, o Options, events []event.Event) string {
	t.Helper()
	var out bytes.Buffer
	x := New(&out, o)
	takeEvents(t, x, events)
	return out.String()
}

func takeEvents(t *testing.T, x Sink, events []event.Event) {
	t.Helper()
	for i := range events {
		if err := x.Take(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
}

func pingEvents() []event.Event {
	var list []event.Event
	for _, name := range []string{"__ip_local_out", "ip_output", "__dev_queue_xmit", "dev_hard_start_xmit", "__netif_receive_skb_one_core"} {
		e := base()
		e.Names.Func = name
		list = append(list, e)
	}
	return list
}

func tcpEvents() []event.Event {
	var list []event.Event
	for i, l := range []event.Lineage{
		{ID: 1, Part: 1, First: 1}, {ID: 1, Part: 2, Parent: 1, First: 1, Origin: event.Clone}, {ID: 2, Part: 3}, {ID: 14, Part: 27, Parent: 25, First: 24, Origin: event.Segment},
	} {
		e := base()
		e.Lineage, e.Names.Func, e.Names.SinceLast = l, "tcp_v4_send_check", uint64(i)*59_000_123
		e.Tuple = event.Tuple{
			Network: event.IPv4, Protocol: 6, EtherType: 0x0800, Ports: true, SourcePort: 43210, DestPort: 443, HasTCPFlags: true, TCPFlags: 0x12,
			Source: netip.MustParseAddr("192.168.100.15"), Dest: netip.MustParseAddr("203.0.113.200"),
		}
		list = append(list, e)
	}
	return append(list, over6()...)
}

// over6 returns an event over IPv6, with addresses that are too long for usual terminals, and a loss marker.
func over6() []event.Event {
	e := base()
	e.Lineage, e.Names.Func, e.Tuple = event.Lineage{ID: 15, Part: 28}, "tcp_v6_send_check", tcp6()
	e.Tuple.Dest = netip.MustParseAddr("2001:db8:85a3:1:2:8a2e:370:7334")
	return []event.Event{e, {Kind: event.Lost, CPU: 1, Loss: &event.Loss{Count: 27}}}
}

func dropEvents() []event.Event {
	var list []event.Event
	for _, r := range []struct{ reason, location string }{
		{"SKB_DROP_REASON_NO_SOCKET", "icmp_rcv+0x1a3"}, {"SKB_DROP_REASON_NETFILTER_DROP", "nf_hook_slow+0xa7"},
		{"SKB_DROP_REASON_TCP_INVALID_ACK_SEQUENCE", "tcp_rcv_state_process+0x5c1"},
	} {
		e := base()
		e.Kind, e.Names.Func, e.Names.Reason, e.Names.Location = event.Tracepoint, "kfree_skb", r.reason, r.location
		e.Drop = event.Drop{Dropped: true, HasReason: true, Reason: 3, Location: 1}
		e.Stack = stack()[1:]
		list = append(list, e)
	}
	return list
}

// TestNoRowIsWiderThanTheTerminal prints random events, and checks that each row has the function.
func TestNoRowIsWiderThanTheTerminal(t *testing.T) {
	for width := 20; width <= 250; width++ {
		d := dice{rand.New(rand.NewPCG(uint64(width), 8))}
		for range 30 {
			o := d.roll(false)
			o.Columns.Chosen, o.Columns.Drops, o.Color, o.Width = nil, d.even(), false, width
			e := d.event()
			e.Kind, e.Names.Func = event.Function, "ip_rcv"
			lines := strings.Split(printedAs(t, o, []event.Event{e}), "\n")
			for _, line := range lines[:2] {
				if n := column.Cells([]byte(line)); n > width {
					t.Fatalf("%d of %d cells in %q of %+v", n, width, line, o)
				}
			}
			if !strings.Contains(lines[0], "FUNC") || !strings.Contains(lines[1], "ip_rcv") {
				t.Fatalf("no function in %q", lines)
			}
		}
	}
}

// TestCopiedCellsAreCut checks that copied cells are cut like printed ones.
func TestCopiedCellsAreCut(t *testing.T) {
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 9))}
		o := d.roll(false)
		o.Width = 20 + d.IntN(230)
		var copied, anew bytes.Buffer
		x, y := New(&copied, o), New(&anew, o)
		printEach(y)
		e := d.event()
		for range 12 {
			takeEvents(t, x, []event.Event{e})
			takeEvents(t, y, []event.Event{e})
			if d.IntN(4) == 0 {
				width := 20 + d.IntN(230)
				x.(resizer).Resize(width)
				y.(resizer).Resize(width)
				printEach(y)
			}
			d.change(&e, d.event())
		}
		if !bytes.Equal(copied.Bytes(), anew.Bytes()) {
			t.Fatalf("seed %d: %+v\n%s\nwant\n%s", seed, o, copied.Bytes(), anew.Bytes())
		}
	}
}

// TestResize checks that the header is printed again with the next row, and that rows fit the new width.
func TestResize(t *testing.T) {
	var out bytes.Buffer
	x := New(&out, Options{Columns: column.Options{Meta: true, Tuple: true}, Width: 160})
	takeEvents(t, x, pingEvents()[:2])
	x.(resizer).Resize(80)
	takeEvents(t, x, nil) // without a row
	x.(resizer).Resize(60)
	takeEvents(t, x, pingEvents()[2:4])
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 7 || !strings.Contains(lines[0], "NETNS") || strings.Join(strings.Fields(lines[3]), " ") != "SKB TUPLE FUNC" {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for _, line := range lines[3:] {
		if n := column.Cells([]byte(line)); n > 60 {
			t.Errorf("%d cells: %q", n, line)
		}
	}
}

func TestRowsOnATerminalAllocateNothing(t *testing.T) {
	for name, s := range runs() {
		x := New(&counter{}, Options{Columns: s.options, Width: 80, Color: true})
		if n := testing.AllocsPerRun(200, func() {
			for i := range s.events {
				if err := x.Take(&s.events[i]); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for %d events, want none", name, n, len(s.events))
		}
	}
}

func BenchmarkScreen(b *testing.B) { benchmark(b, Options{Columns: defaults, Width: 80}) }
