// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

func direction(source, dest string, sport, dport uint16, family, protocol uint8) bpf.Direction {
	return bpf.Direction{Source: comm(source), Dest: comm(dest), SourcePort: sport, DestPort: dport, Family: family, Protocol: protocol}
}

// decoded returns the event of a record with these two parts.
func decoded(t *testing.T, hook bpf.Hook, connection bpf.Conntrack) event.Event {
	t.Helper()
	raw := record(bpf.Core{Kind: bpf.KindFunction, Parts: bpf.PartHook | bpf.PartConntrack}, nil, nil)
	raw = append(append(raw, bytesOf(&hook)...), bytesOf(&connection)...)
	var e event.Event
	if err := plain.Decode(raw, &e); err != nil {
		t.Fatal(err)
	}
	if err := plain.Decode(raw[:len(raw)-1], &event.Event{}); err == nil {
		t.Error("a truncated connection was accepted")
	}
	return e
}

var sameAddresses = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestDecodeConntrack(t *testing.T) {
	got := decoded(t, bpf.Hook{}, bpf.Conntrack{
		Has: bpf.HasInfo | bpf.HasEntry | bpf.HasMark | bpf.HasZone, Info: 2, Status: 0x18, Left: 250, Mark: 7, Zone: 8, TcpState: 1,
		Original: direction("\x0a\x00\x00\x01", "\x0a\x00\x00\x02", 1000, 80, 2, 6),
		Reply:    direction("\x20\x01", "\x20\x02", 80, 1001, 10, 6),
	}).Conntrack
	want := event.Conntrack{
		State: 3, Known: true, Status: 0x18, HasMark: true, Mark: 7, HasZone: true, Zone: 8, TCPState: 1, Left: 250 * tick(),
		Original: event.Tuple{
			Network: event.IPv4, Source: netip.MustParseAddr("10.0.0.1"), Dest: netip.MustParseAddr("10.0.0.2"),
			Protocol: 6, Ports: true, SourcePort: 1000, DestPort: 80,
		},
		Reply: event.Tuple{
			Network: event.IPv6, Source: netip.MustParseAddr("2001::"), Dest: netip.MustParseAddr("2002::"),
			Protocol: 6, Ports: true, SourcePort: 80, DestPort: 1001,
		},
	}
	if diff := cmp.Diff(want, *got, sameAddresses); diff != "" {
		t.Error(diff)
	}
	if got.State.String() != "NEW" || !got.Translated() {
		t.Errorf("%s, %+v", got.State, got)
	}
}

// TestDecodeConntrackOfICMP checks that type and code are read from the port, and that there is no TCP state.
func TestDecodeConntrackOfICMP(t *testing.T) {
	c := decoded(t, bpf.Hook{}, bpf.Conntrack{
		Has: bpf.HasInfo | bpf.HasEntry, Left: -5, TcpState: 3, Mark: 1, Zone: 1,
		Original: direction("\x0a\x00\x00\x01", "\x0a\x00\x00\x02", 55, 0x0803, 2, 1),
	}).Conntrack
	if want := (event.ICMP{Type: 8, Code: 3, ID: 55}); c.Original.ICMP != want || c.Original.Ports {
		t.Errorf("%+v", c.Original)
	}
	if c.TCPState != 0 || c.Left != 0 || c.HasMark || c.HasZone || c.State.String() != "ESTABLISHED" {
		t.Errorf("%+v", c)
	}
}

func TestDecodeConntrackWithoutEntry(t *testing.T) {
	if c := decoded(t, bpf.Hook{}, bpf.Conntrack{Has: bpf.HasInfo, Info: 7, Status: 1}).Conntrack; *c != (event.Conntrack{State: event.Untracked}) {
		t.Errorf("%+v", c)
	}
	if c := decoded(t, bpf.Hook{}, bpf.Conntrack{Info: 2}).Conntrack; *c != (event.Conntrack{}) {
		t.Errorf("%+v", c)
	}
}

// TestTick checks the length of a jiffy: kernels have 24 to 1200 per second.
func TestTick(t *testing.T) {
	if tick() < time.Second/1200 || tick() > time.Second/24 {
		t.Error(tick())
	}
}

func TestDecodeHook(t *testing.T) {
	h := bpf.Hook{Has: bpf.HasState | bpf.HasPriority, Family: 2, Hook: 3, Priority: -150, Object: bpf.HookNFT, TableFamily: 1}
	copy(h.Table[:], "filter")
	copy(h.Chain[:], "output")
	got := decoded(t, h, bpf.Conntrack{}).Netfilter
	want := event.Netfilter{
		Family: event.IPv4Family, Hook: 3, HasPriority: true, Priority: -150,
		Object: event.NFTables, TableFamily: event.InetFamily, Table: h.Table, Chain: h.Chain,
	}
	if *got != want || got.HookName() != "OUTPUT" {
		t.Errorf("%+v", got)
	}
	h.Has = 0
	if got := decoded(t, h, bpf.Conntrack{}).Netfilter; got != nil {
		t.Errorf("%+v", got)
	}
}

// TestHookObjects checks that the enums in C and Go have the same numbers.
func TestHookObjects(t *testing.T) {
	for object, want := range map[uint8]event.HookObject{
		bpf.HookPlain: event.PlainHook, bpf.HookNFT: event.NFTables, bpf.HookXtables: event.Xtables, bpf.HookEbtables: event.Ebtables,
	} {
		if event.HookObject(object) != want {
			t.Errorf("%d is not %d", object, want)
		}
	}
}
