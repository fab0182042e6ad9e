// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"tracer/internal/capture"
	"tracer/internal/event"
	"tracer/libpcap"
)

const start = 1_700_000_000_000_000_000

// packet returns a UDP packet to a port. Its payload is not recorded.
func packet(port layers.UDPPort) []byte {
	b := gopacket.NewSerializeBuffer()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: 17, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: 0x800}
	o := gopacket.SerializeOptions{FixLengths: true}
	if err := gopacket.SerializeLayers(b, o, eth, ip, &layers.UDP{SrcPort: 7, DstPort: port}, gopacket.Payload(make([]byte, 1000))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// trace are the events of the tests: the name of the function is the name of the event.
func trace() []*event.Event {
	frame := packet(53)
	plain := func(fn string) *event.Event {
		e := &event.Event{Kind: event.Function, Skb: 1, Names: event.Names{Func: fn}, Bytes: &event.Bytes{Data: frame, Len: uint32(len(frame))}}
		return e
	}
	a, b, c, d, e, f := plain("a"), plain("b"), plain("c"), plain("d"), plain("e"), plain("f")
	b.Bytes = &event.Bytes{Type: 0x800, Data: packet(80)[14:], Len: 1028}
	b.Skb, b.Names.Netns, b.Meta.Netns = 2, "pod1", 99
	c.Kind, c.Drop, c.Names.Reason = event.Tracepoint, event.Drop{Dropped: true, HasReason: true, Reason: 3}, "SKB_DROP_REASON_NO_SOCKET"
	c.Why = &event.Why{Cause: "udp-no-listener"}
	d.Kind, d.Bytes, d.Skb = event.Return, nil, 2
	d.Process.PID, d.Lineage.ID = 42, 7
	copy(d.Process.Comm[:], "nginx")
	e.Bytes.TagType, e.Bytes.Tag = 0x8100, 5
	copy(e.Meta.Ifname[:], "veth0")
	f.Bytes = nil
	events := []*event.Event{a, b, c, d, e, f}
	for i, e := range events {
		e.Time = uint64(i) * 1e9
		e.Names.WallTime = start + int64(e.Time)
	}
	return events
}

func recording(t *testing.T) *capture.Set {
	t.Helper()
	w, err := capture.NewWriter(capture.Run{Start: start})
	if err != nil {
		t.Fatal(err)
	}
	events := trace()
	marker := &event.Event{Kind: event.Lost, Loss: &event.Loss{Count: 4}}
	for _, e := range append(events, marker, &event.Event{Kind: event.Summary, Totals: &event.Totals{Matched: 10, Lost: [1]uint64{4}}}) {
		if err := w.Take(e); err != nil {
			t.Fatal(err)
		}
	}
	set, err := capture.Open([]capture.Input{{Name: "f", Data: bytes.NewReader(w.Data())}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// selected returns the names of the selected events, and the totals.
func selected(t *testing.T, o Options) (names string, totals *event.Totals) {
	t.Helper()
	s, err := Select(recording(t), o)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return names, totals
		case err != nil:
			t.Fatal(err)
		case e.Kind == event.Summary:
			totals = e.Totals
		case e.Kind != event.Lost:
			names += e.Names.Func
		}
	}
}

func TestSelect(t *testing.T) {
	at := func(seconds int64) string { return time.Unix(0, start+seconds*1e9).UTC().Format(time.RFC3339Nano) }
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{}, "abcdef"},
		{Options{Expr: "udp port 53"}, "ace"},
		{Options{Expr: "udp port 80"}, "bd"}, // the return has the bytes of its sk_buff
		{Options{Expr: "udp"}, "abcde"},      // also with a tag outside of the packet
		{Options{Expr: "vlan 5"}, "e"},
		{Options{Expr: "vlan 5 and udp port 53"}, "e"},
		{Options{Expr: "greater 1000"}, "abcde"}, // the length of the whole packet
		{Options{Expr: "udp[8] = 0"}, ""},        // payload is not recorded
		{Options{Func: regexp.MustCompile("^(?:a|tp:c|d)$")}, "acd"},
		{Options{FuncExclude: regexp.MustCompile("^(?:a|c)$")}, "bdef"},
		{Options{Drops: true}, "c"},
		{Options{Reasons: []string{"NO_SOCKET"}}, "c"},
		{Options{Reasons: []string{"SKB_DROP_REASON_NO_SOCKET"}}, "c"},
		{Options{Reasons: []string{"3"}}, "c"},
		{Options{Reasons: []string{"!NO_SOCKET"}}, ""},
		{Options{Causes: []string{"udp-no-listener"}}, "c"},
		{Options{Causes: []string{"other"}}, ""},
		{Options{Netns: []string{"pod1"}}, "b"},
		{Options{Netns: []string{"inode:99"}}, "b"},
		{Options{Netns: []string{"!pod1"}}, "acdef"},
		{Options{Ifnames: []string{"veth*"}}, "e"},
		{Options{Ifnames: []string{"!veth0"}}, "abcdf"},
		{Options{PIDs: []string{"42"}}, "d"},
		{Options{Comms: []string{"ngi*", "x"}}, "d"},
		{Options{Since: "2s", Until: "3s"}, "cd"},
		{Options{Since: at(4)}, "ef"},
		{Options{Until: at(0)}, "a"},
		{Options{Packets: []string{"5-7"}}, "d"},
		{Options{Events: []string{"2-3", "6"}}, "bcf"},
		{Options{Expr: "udp port 53", Events: []string{"1-2"}}, "a"},
	} {
		got, totals := selected(t, c.options)
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.options, got, c.want)
		}
		if left := uint64(6 - len(got)); totals == nil || totals.Suppressed != left || totals.Matched != uint64(len(got))+left+4 {
			t.Errorf("%+v: totals %+v with %d events", c.options, totals, len(got))
		}
	}
}

// TestSinceLast checks that the time since the packet's previous event counts events that are not selected.
func TestSinceLast(t *testing.T) {
	s, err := Select(recording(t), Options{SinceLast: true, Events: []string{"3-4"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{2e9, 0} { // of the event a, and none with the number of d
		if e, err := s.Next(); err != nil || e.Names.SinceLast != want {
			t.Errorf("%d ns since the last event, want %d; error %v", e.Names.SinceLast, want, err)
		}
	}
}

func TestSelectErrors(t *testing.T) {
	for _, c := range []struct {
		options Options
		want    string
	}{
		{Options{Since: "yesterday"}, `since "yesterday": not a time`},
		{Options{Until: "-1s"}, `until "-1s": not a time`},
		{Options{Packets: []string{"x\x1b"}}, `packet "x\x1b": not a number or a range`},
		{Options{Events: []string{"5-3"}}, `event "5-3": not a number or a range`},
	} {
		if _, err := Select(recording(t), c.options); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %s", c.options, err, c.want)
		}
	}
	var syntax *libpcap.SyntaxError
	if _, err := Select(recording(t), Options{Expr: "udp prot 53"}); !errors.As(err, &syntax) {
		t.Errorf("error %v", err)
	}
}

// TestManySkbs checks that the bytes of few sk_buffs are kept.
func TestManySkbs(t *testing.T) {
	f, err := newPacketFilter("udp")
	if err != nil {
		t.Fatal(err)
	}
	data := packet(53)
	for i := range uint64(3 * mostLast) {
		if e := (&event.Event{Kind: event.Function, Skb: i + 1, Names: event.Names{Func: fmt.Sprint(i)}, Bytes: &event.Bytes{Data: data, Len: 100}}); !f.matches(e) {
			t.Fatal(i)
		}
	}
	if len(f.last) > mostLast {
		t.Errorf("%d are kept", len(f.last))
	}
}
