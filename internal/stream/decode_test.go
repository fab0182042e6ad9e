// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

func bytesOf[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// record builds a record as the BPF programs do.
func record(core bpf.Core, meta *bpf.Meta, tuple *bpf.Tuple) []byte {
	if meta != nil {
		core.Parts |= bpf.PartMeta
	}
	if tuple != nil {
		core.Parts |= bpf.PartTuple
	}
	b := append([]byte(nil), bytesOf(&core)...)
	if meta != nil {
		b = append(b, bytesOf(meta)...)
	}
	if tuple != nil {
		b = append(b, bytesOf(tuple)...)
	}
	return b
}

// plain is the layout of records without copies of kernel objects.
var plain Layout

// Decode decodes a single record.
func (l Layout) Decode(record []byte, to *event.Event) error {
	d := NewDecoder(l)
	e, err := d.Decode(record)
	if err == nil {
		*to = *e
	}
	return err
}

func comm(s string) (c [16]byte) {
	copy(c[:], s)
	return c
}

func TestDecodeLookup(t *testing.T) {
	core := bpf.Core{Kind: bpf.KindLookup, Parts: bpf.PartReturn | bpf.PartLookup | bpf.PartStack}
	record := slices.Concat(bytesOf(&core), bytesOf(&bpf.Return{Value: 5}), []byte("12345678"), []byte{1, 0, 0, 0, 0, 0, 0, 0})
	want := event.Event{
		Kind: event.Looked, Return: event.Returned{Value: 5}, Raw: event.Raw{Stack: []uint64{1}, Lookup: []byte("12345678")},
	}
	var got event.Event
	if err := (Layout{Lookup: 8}).Decode(record, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeReturn(t *testing.T) {
	core := bpf.Core{Time: 9, Skb: 2, Addr: 3, Kind: bpf.KindReturn, Parts: bpf.PartReturn | bpf.PartStack}
	record := slices.Concat(bytesOf(&core), bytesOf(&bpf.Return{Value: ^uint64(0), Duration: 7}), []byte{1, 0, 0, 0, 0, 0, 0, 0})
	want := event.Event{
		Kind: event.Return, Time: 9, Skb: 2, Addr: 3, Raw: event.Raw{Stack: []uint64{1}},
		Return: event.Returned{Value: ^uint64(0), Duration: 7},
	}
	var got event.Event
	if err := plain.Decode(record, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestDecode(t *testing.T) {
	core := bpf.Core{
		Time: 1, Skb: 2, Addr: 3, Location: 4, Pid: 5, Tid: 6, Reason: 7, Lost: 8,
		Comm: comm("ping"), Cpu: 9, Kind: bpf.KindTracepoint, Parts: bpf.PartDrop | bpf.PartReason,
	}
	meta := bpf.Meta{Ifname: comm("lo"), Netns: 10, Ifindex: 11, Mark: 12, Len: 13, Mtu: 14, Protocol: 0x800}
	tuple := bpf.Tuple{
		Source: comm("\x0a\x00\x00\x01"), Dest: comm("\x0a\x00\x00\x02"),
		Network: uint8(event.IPv4), Protocol: 6, SourcePort: 15, DestPort: 16, TcpFlags: 2,
		Has: bpf.HasPorts | bpf.HasTCPFlags, Tags: 1, Vlan: 17, EtherType: 0x800,
	}
	want := event.Event{
		Kind: event.Tracepoint, CPU: 9, Time: 1, Skb: 2, Raw: event.Raw{ID: 3},
		Process: event.Process{PID: 5, TID: 6, Comm: comm("ping")},
		Meta:    event.Meta{Netns: 10, Ifindex: 11, Ifname: comm("lo"), Mark: 12, Len: 13, MTU: 14, Protocol: 0x800},
		Tuple: event.Tuple{
			Network: event.IPv4, Source: netip.MustParseAddr("10.0.0.1"), Dest: netip.MustParseAddr("10.0.0.2"),
			Protocol: 6, Ports: true, SourcePort: 15, DestPort: 16, HasTCPFlags: true, TCPFlags: 2, HasVLAN: true, VLAN: 17, Tags: 1, EtherType: 0x800,
		},
		Drop: event.Drop{Dropped: true, HasReason: true, Reason: 7, Location: 4},
	}
	var got event.Event
	if err := plain.Decode(record(core, &meta, &tuple), &got); err != nil {
		t.Fatal(err)
	}
	want.Raw.Versions = got.Raw.Versions
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// TestDecodeArguments checks that a function's arguments are read from the members for a drop's reason and
// location.
func TestDecodeArguments(t *testing.T) {
	core := bpf.Core{Kind: bpf.KindFunction, Reason: 2, Location: 4<<32 | 3, Parts: bpf.PartArguments}
	var got event.Event
	if err := plain.Decode(record(core, nil, nil), &got); err != nil {
		t.Fatal(err)
	}
	if want := [3]uint32{2, 3, 4}; got.Raw.Arguments != want || got.Drop != (event.Drop{}) {
		t.Errorf("arguments %v, drop %+v", got.Raw.Arguments, got.Drop)
	}
}

// TestDecodeParts decodes a record with most parts, each with different contents.
func TestDecodeParts(t *testing.T) {
	layout := Layout{Skb: 8, Shared: 16, Values: 24, XDPValues: 32}
	tuple := bpf.Tuple{Network: uint8(event.IPv4), Has: bpf.HasTCP, Tags: 4, ThirdVlan: 5, TcpSeq: 1, TcpAck: 2, TcpWindow: 3, InnerVlan: 4}
	tunnel := bpf.Tunnel{Kind: uint8(event.Geneve), HasId: 1, Id: 42, Tuple: tuple}
	raw := record(bpf.Core{
		Kind: bpf.KindFunction,
		Parts: bpf.PartTunnel | bpf.PartCB | bpf.PartSkb | bpf.PartShared | bpf.PartValues | bpf.PartLineage |
			bpf.PartHead | bpf.PartXDPValues | bpf.PartStack,
	}, &bpf.Meta{Len: 5}, &tuple)
	raw = append(raw, bytesOf(&tunnel)...)
	raw = append(raw, bytesOf(&bpf.CB{Words: [5]uint32{6, 7, 8, 9, 10}})...)
	for i, n := range []int{layout.Skb, layout.Shared, layout.Values} {
		raw = append(raw, bytes.Repeat([]byte{byte('a' + i)}, n)...)
	}
	raw = append(raw, bytesOf(&bpf.Lineage{Id: 12, Part: 17, Parent: 15, Origin: uint8(bpf.OriginSegment)})...)
	raw = append(raw, bytesOf(&bpf.Head{Address: 0xffff888004b30000})...)
	raw = append(raw, bytes.Repeat([]byte{'d'}, layout.XDPValues)...)
	frames := [2]uint64{0xffffffff81000000, 0xffffffff81000010}
	raw = append(raw, bytesOf(&frames)...)
	var e event.Event
	if err := layout.Decode(raw, &e); err != nil {
		t.Fatal(err)
	}
	want := event.TCP{Recorded: true, Seq: 1, Ack: 2, Window: 3}
	if e.Tuple.TCP != want || e.Tunnel.Tuple.TCP != want || e.Tuple.InnerVLAN != 4 || !e.Tuple.HasInnerVLAN || e.Tuple.Tags != 4 || e.Tuple.ThirdVLAN != 5 {
		t.Errorf("tuple %+v, in the tunnel %+v", e.Tuple, e.Tunnel.Tuple)
	}
	if e.Tunnel.Kind != event.Geneve || e.Tunnel.ID != 42 || !e.Tunnel.HasID || *e.CB != (event.CB{6, 7, 8, 9, 10}) || e.Meta.Len != 5 {
		t.Errorf("tunnel %+v, cb %v, meta %+v", e.Tunnel, e.CB, e.Meta)
	}
	if string(e.Raw.Skb) != "aaaaaaaa" || string(e.Raw.Shared) != "bbbbbbbbbbbbbbbb" || string(e.Raw.Values) != strings.Repeat("c", 24) {
		t.Errorf("dump %+v", e.Raw)
	}
	if e.Head != 0xffff888004b30000 || string(e.Raw.XDPValues) != strings.Repeat("d", 32) {
		t.Errorf("head %#x, dump %+v", e.Head, e.Raw)
	}
	if want := (event.Lineage{ID: 12, Part: 17, Parent: 15, Origin: event.Segment}); e.Lineage != want {
		t.Errorf("lineage %+v, want %+v", e.Lineage, want)
	}
	if !slices.Equal(e.Raw.Stack, frames[:]) {
		t.Errorf("stack %#x", e.Raw.Stack)
	}
	if err := layout.Decode(raw[:len(raw)-17-int(unsafe.Sizeof(bpf.Lineage{}))], &e); err == nil {
		t.Error("truncated values were accepted")
	}
}

// TestDecodeNetworks checks the networks and their kinds of addresses.
func TestDecodeNetworks(t *testing.T) {
	source := [16]uint8{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	for _, test := range []struct {
		network event.Network
		source  string
	}{
		{event.NoPacket, "invalid IP"},
		{event.IPv4, "32.1.13.184"},
		{event.IPv6, "2001:db8::1"},
		{event.ARP, "32.1.13.184"},
		{event.Netlink, "invalid IP"},
	} {
		var e event.Event
		raw := record(bpf.Core{Kind: bpf.KindFunction}, nil, &bpf.Tuple{Network: uint8(test.network), Source: source})
		if err := plain.Decode(raw, &e); err != nil {
			t.Fatal(err)
		}
		if e.Tuple.Network != test.network || e.Tuple.Source.String() != test.source {
			t.Errorf("network %d: %d, %v", test.network, e.Tuple.Network, e.Tuple.Source)
		}
	}
}

func TestDecodeRejectsTruncatedRecords(t *testing.T) {
	whole := record(bpf.Core{Kind: bpf.KindFunction}, &bpf.Meta{}, &bpf.Tuple{})
	for n := range len(whole) {
		var e event.Event
		if err := plain.Decode(whole[:n:n], &e); err == nil {
			t.Errorf("a record cut to %d of %d bytes was accepted", n, len(whole))
		}
	}
}

func TestDecodeRejectsUnknownKinds(t *testing.T) {
	var e event.Event
	if err := plain.Decode(record(bpf.Core{Kind: 99}, nil, nil), &e); err == nil {
		t.Error("kind 99 was accepted")
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	raw := record(bpf.Core{Kind: bpf.KindFunction}, &bpf.Meta{}, &bpf.Tuple{Network: uint8(event.IPv6)})
	d := NewDecoder(plain)
	if n := testing.AllocsPerRun(100, func() { d.Decode(raw) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestDecodeAfterAnother checks that an event depends only on its own record, and not on the previous one.
func TestDecodeAfterAnother(t *testing.T) {
	layout := Layout{Values: 24}
	d := NewDecoder(layout)
	r := rand.New(rand.NewPCG(1, 2))
	decoded, known := 0, map[uint64]any{}
	raw := anyRecord(r)
	for i := range 20_000 {
		raw = like(r, raw)
		got, err := d.Decode(raw)
		var want event.Event
		if wantErr := layout.Decode(raw, &want); (err == nil) != (wantErr == nil) {
			t.Fatalf("record %d: error %v, alone %v", i, err, wantErr)
		}
		if err == nil {
			checkVersions(t, known, got)
			want.Raw.Versions = got.Raw.Versions
			if decoded++; !reflect.DeepEqual(want, *got) {
				t.Fatalf("record %d: %s", i, cmp.Diff(want, *got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })))
			}
			got.Drop = event.Drop{HasReason: true, Reason: 77} // enrich changes events, too
		}
	}
	if decoded < 10_000 {
		t.Errorf("only %d records could be decoded", decoded)
	}
}

// anyRecord returns a record of random bytes with random parts. Parts that are compared are frequent.
func anyRecord(r *rand.Rand) []byte {
	core := bpf.Core{Kind: uint8(1 + r.IntN(4)), Parts: uint32(r.Uint64()) & (bpf.PartArguments | bpf.PartReason | bpf.PartDrop)}
	sizes := map[uint32]int{
		bpf.PartMeta: int(unsafe.Sizeof(bpf.Meta{})), bpf.PartTuple: int(unsafe.Sizeof(bpf.Tuple{})), bpf.PartTunnel: int(unsafe.Sizeof(bpf.Tunnel{})),
		bpf.PartValues: 24, bpf.PartLineage: int(unsafe.Sizeof(bpf.Lineage{})), bpf.PartReturn: int(unsafe.Sizeof(bpf.Return{})), bpf.PartStack: 16,
	}
	size := int(unsafe.Sizeof(core))
	for bit, n := range sizes {
		if often := bit&compared != 0; r.IntN(8) == 0 != often {
			core.Parts |= bit
			size += n
		}
	}
	raw := make([]byte, size)
	for i := copy(raw, bytesOf(&core)); i < size; i++ {
		raw[i] = byte(r.IntN(8))
	}
	return raw
}

// like returns a record that usually differs from raw in at most one byte, and sometimes completely.
func like(r *rand.Rand, raw []byte) []byte {
	switch r.IntN(8) {
	case 0:
		return anyRecord(r)
	case 1, 2:
		return slices.Clone(raw)
	}
	raw = slices.Clone(raw)
	if r.IntN(3) == 0 {
		length := int(unsafe.Sizeof(bpf.Core{}) + unsafe.Offsetof(bpf.Meta{}.Len))
		raw[min(length, len(raw)-1)] ^= byte(r.IntN(4)) << 1
		return raw
	}
	// The members from Parts on are not changed, since they define what the record consists of.
	const from, behind = unsafe.Offsetof(bpf.Core{}.Parts), unsafe.Sizeof(bpf.Core{})
	if at := uintptr(r.IntN(len(raw))); at < from || at >= behind {
		raw[at] ^= byte(1 + r.IntN(255))
	}
	return raw
}

// FuzzDecode checks that the decoder does not panic on any bytes, or read beyond them.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(record(bpf.Core{Kind: bpf.KindFunction}, nil, nil))
	f.Add(record(bpf.Core{Kind: bpf.KindTracepoint}, &bpf.Meta{}, &bpf.Tuple{Network: uint8(event.ARP)}))
	known := []event.Kind{event.Function, event.Tracepoint, event.Return, event.Program, event.Verdict, event.Looked}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e event.Event
		raw = append([]byte(nil), raw...)
		if err := plain.Decode(raw[:len(raw):len(raw)], &e); err == nil && !slices.Contains(known, e.Kind) {
			t.Errorf("kind %v", e.Kind)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := record(bpf.Core{Kind: bpf.KindFunction}, &bpf.Meta{}, &bpf.Tuple{Network: uint8(event.IPv4)})
	d := NewDecoder(plain)
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(raw)
	}
}

// TestDecodeLLC checks that the header of an 802.3 frame is read from the space for addresses.
func TestDecodeLLC(t *testing.T) {
	header := comm("\xaa\xab\x03\x00\x12\x34\x88\xcc")
	for has, want := range map[uint8]event.Tuple{
		0:                        {Network: event.LLC},
		bpf.HasLLC:               {Network: event.LLC, SAP: event.SAP{Recorded: true, Dest: 0xaa, Source: 0xab}},
		bpf.HasLLC | bpf.HasSNAP: {Network: event.LLC, SAP: event.SAP{Recorded: true, Dest: 0xaa, Source: 0xab}, SNAP: event.SNAP{Recorded: true, OUI: 0x1234, Protocol: 0x88cc}},
	} {
		var got event.Event
		if err := plain.Decode(record(bpf.Core{Kind: bpf.KindFunction}, &bpf.Meta{}, &bpf.Tuple{Network: uint8(event.LLC), Source: header, Has: has}), &got); err != nil {
			t.Fatal(err)
		}
		if got.Tuple != want {
			t.Errorf("%+v, want %+v", got.Tuple, want)
		}
	}
}
