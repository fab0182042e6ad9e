// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	stdjson "encoding/json"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"tracer/internal/column"
	"tracer/internal/event"
)

// dice makes random events from a seed, including ones that no kernel would emit.
type dice struct{ *rand.Rand }

// even returns true half of the time.
func (d dice) even() bool { return d.IntN(2) == 0 }

// nasty are the parts of random names.
var nasty = []string{
	"a", "eth0", " ", "\t", "\n", "\r", "\x00", "\x1b[31m", `"`, `\`, `\u0041`, "'", "{", "}", "[", ",", ":", "é", "\u2028", "\u202e",
	"\ufeff", "\U0001f600", "\xff", "\xc3", "\xed\xa0\x80", "\x7f", "\u0085", "->", "null", "//",
}

func (d dice) name() string {
	var b strings.Builder
	for range d.IntN(6) {
		b.WriteString(nasty[d.IntN(len(nasty))])
	}
	return b.String()
}

// symbol returns the name of a function, or an empty string.
func (d dice) symbol() string {
	return []string{"", "ip_rcv", "ip_rcv_finish.constprop.0", "bpf_prog_6deef7357e7b4530_x"}[d.IntN(4)]
}

// number returns a random number, often a boundary value.
func (d dice) number() uint64 {
	return []uint64{0, 1, 1<<16 - 1, 1<<32 - 1, 1 << 53, 1<<64 - 1, d.Uint64()}[d.IntN(7)]
}

func (d dice) addr(size int) netip.Addr {
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(d.IntN(256))
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

func (d dice) tuple() event.Tuple {
	size := []int{0, 4, 16, 4}[d.IntN(4)]
	return event.Tuple{
		Network: event.Network(d.IntN(11)), Source: d.addr(size), Dest: d.addr(size),
		Protocol: []uint8{1, 6, 17, 58, uint8(d.number())}[d.IntN(5)],
		Ports:    d.even(), SourcePort: uint16(d.number()), DestPort: uint16(d.number()),
		Fragment: d.even(), FragmentOffset: uint16(d.number()),
		ICMP:        event.ICMP{Recorded: d.even(), Type: uint8(d.number()), Code: uint8(d.number()), Echo: d.even(), ID: uint16(d.number())},
		HasTCPFlags: d.even(), TCPFlags: uint8(d.number()),
		TCP:          event.TCP{Recorded: d.even(), Seq: uint32(d.number()), Ack: uint32(d.number()), Window: uint16(d.number())},
		ARPOperation: uint16(d.IntN(6)), HasVLAN: d.even(), VLAN: uint16(d.number()), HasInnerVLAN: d.even(), InnerVLAN: 7, Tags: uint8(d.IntN(9)), ThirdVLAN: 9,
		EtherType: uint16(d.number()), SocketFamily: uint16(d.IntN(60)),
		SAP:  event.SAP{Recorded: d.even(), Dest: uint8(d.number()), Source: 0x42},
		SNAP: event.SNAP{Recorded: d.even(), OUI: uint32(d.number()), Protocol: uint16(d.number())},
	}
}

func (d dice) value() *event.Value {
	if d.even() {
		return nil
	}
	return []*event.Value{shownAs("84", "84"), shownAs("x", `"x"`), shownAs("{a=1}", `{"a":1,"b":[{"a":null}]}`)}[d.IntN(3)]
}

// object returns a printed struct, or nil.
func (d dice) object() *event.Value {
	if d.even() {
		return nil
	}
	return shownAs("(struct a){\n  b = 1,\n}", `{"b":1}`)
}

func (d dice) names() event.Names {
	n := event.Names{
		Func: d.symbol(), Module: []string{"", "nf_nat"}[d.IntN(2)], Reason: d.symbol(), Location: d.symbol(), Caller: d.symbol(),
		Netns: d.name(), WallTime: int64(d.number() >> 2), SinceLast: d.number(),
	}
	return n
}

// sections adds what enrich makes from the raw parts of a record.
func (d dice) sections(e *event.Event) {
	e.SkbDump, e.SharedInfo = d.object(), d.object()
	for range d.IntN(4) {
		e.Stack = append(e.Stack, event.Frame{Addr: d.number(), Symbol: d.symbol(), Offset: d.number()})
	}
	e.Why = d.why()
	for i := range d.IntN(6) {
		e.Values = append(e.Values, event.NamedValue{Name: string(rune('a'+i)) + d.name(), Value: d.value()})
	}
}

// why returns a cause, or nil.
func (d dice) why() *event.Why {
	if d.even() {
		return nil
	}
	w := &event.Why{Cause: []string{event.UnknownCause, "no-route"}[d.IntN(2)], Text: d.name(), Remedy: d.name(), Silent: d.even()}
	for i := range d.IntN(4) {
		w.Values = append(w.Values, event.Fact{Key: string(rune('a'+i)) + d.name(), Kind: event.FactKind(d.IntN(4)), Text: []byte(d.name()), Number: d.number()})
		w.Evidence = append(w.Evidence, d.symbol())
	}
	return w
}

func (d dice) event() event.Event {
	e := event.Event{
		Kind: event.Kind(1 + d.IntN(2)), CPU: uint32(d.number()), Time: d.number(), Skb: d.number(), Addr: d.number(),
		Process: event.Process{PID: uint32(d.number()), TID: uint32(d.number())},
		Meta: event.Meta{
			Netns: uint32(d.number()), Ifindex: uint32(d.number()), Mark: uint32(d.number()), Len: uint32(d.number()),
			MTU: uint32(d.number()), Protocol: uint16(d.number()),
		},
		Tuple:  d.tuple(),
		Tunnel: &event.Tunnel{Kind: event.TunnelKind(d.IntN(7)), HasID: d.even(), ID: uint32(d.number()), Tuple: d.tuple()},
		Drop:   event.Drop{Dropped: d.even(), Benign: d.even(), HasReason: d.even(), Reason: uint32(d.number()), Location: d.number()},
		CB:     &event.CB{uint32(d.number()), 1, 2, 3, uint32(d.number())},
		Names:  d.names(),
	}
	d.sections(&e)
	copy(e.Process.Comm[:], d.name())
	copy(e.Meta.Ifname[:], d.name())
	return e
}

const throws = 1000

// roll returns options with a random selection of columns, in any order.
func (d dice) roll(json bool) Options {
	o := Options{JSON: json, Color: d.even(), Columns: full}
	o.Columns.Timestamp = column.Timestamp(d.IntN(4))
	if d.even() {
		return o
	}
	all := column.Select(o.Columns)
	o.Columns = column.Options{TCPSeq: d.even(), Chosen: []string{"skb"}}
	for _, i := range d.Perm(len(all))[:d.IntN(len(all))] {
		if c := all[i]; c.Name != "skb" && (json || c.Text != nil) {
			o.Columns.Chosen = append(o.Columns.Chosen, c.Name)
		}
	}
	return o
}

func printedOne(t *testing.T, o Options, e event.Event) string {
	t.Helper()
	var out bytes.Buffer
	x := New(&out, o)
	if err := x.Take(&e); err != nil {
		t.Fatal(err)
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestJSONOfRandomEvents checks that records of random events are valid JSON without duplicate keys, and have the
// types and the order of the column table.
func TestJSONOfRandomEvents(t *testing.T) {
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		o, e := d.roll(true), d.event()
		line, columns := printedOne(t, o, e), column.Select(o.Columns)
		checkRecord(t, line, e.Kind, columns)
		checkOrder(t, line, columns)
		if t.Failed() {
			t.Fatalf("seed %d: %+v of %+v", seed, o, e)
		}
	}
}

// checkOrder reads the keys one after the other.
func checkOrder(t *testing.T, line string, columns []column.Column) {
	t.Helper()
	want := []string{"version", "type"}
	for _, c := range columns {
		want = append(want, c.Key)
	}
	d := stdjson.NewDecoder(strings.NewReader(line))
	_, err := d.Token()
	for i := 0; err == nil && d.More(); i++ {
		var key stdjson.Token
		if key, err = d.Token(); err == nil && (i >= len(want) || key != want[i]) {
			t.Errorf("member %d is %q, want those of %q", i, key, want)
			return
		}
		var skipped stdjson.RawMessage
		if err == nil {
			err = d.Decode(&skipped)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestTextOfRandomEvents checks that each event is one row, and that all lines below it are indented.
func TestTextOfRandomEvents(t *testing.T) {
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		o, e := d.roll(false), d.event()
		o.Color = false
		lines := strings.Split(strings.TrimSuffix(printedOne(t, o, e), "\n"), "\n")
		if len(lines) < 2 || strings.HasPrefix(lines[0], " ") || strings.HasPrefix(lines[1], "    ") {
			t.Fatalf("seed %d: no header and row in %q", seed, lines)
		}
		for _, line := range lines[2:] {
			if !strings.HasPrefix(line, "    ") || strings.TrimSpace(line) == "" {
				t.Fatalf("seed %d: %q is no line of a block", seed, line)
			}
		}
		for _, line := range lines {
			if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }); i >= 0 {
				t.Fatalf("seed %d: a control character at %d of %q", seed, i, line)
			}
		}
	}
}

// TestColoursDoNotMoveColumns checks that coloured text without its escape sequences equals plain text.
func TestColoursDoNotMoveColumns(t *testing.T) {
	plain := strings.NewReplacer("\x1b[31m", "", "\x1b[33m", "", "\x1b[m", "")
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 3))}
		o, e := d.roll(false), d.event()
		if d.IntN(8) == 0 {
			e = event.Event{Kind: event.Lost, Loss: &event.Loss{Count: d.number()}}
		}
		o.Color = true
		coloured := printedOne(t, o, e)
		o.Color = false
		without := printedOne(t, o, e)
		if plain.Replace(coloured) != without {
			t.Fatalf("seed %d: %q, want %q with colours", seed, coloured, without)
		}
		if (coloured != without) != (e.IsDrop() && !e.Drop.Benign || e.Kind == event.Lost) {
			t.Fatalf("seed %d: colours of %+v are in %q", seed, e, coloured)
		}
	}
}
