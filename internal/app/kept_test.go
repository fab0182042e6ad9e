// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/export"
	"tracer/internal/kernel"
	"tracer/internal/stream"
)

// kept are a live run's events, each in three ways: as the source gave them to the outputs, as clones,
// and stored.
type kept struct {
	live   []export.Exporter
	clones []*event.Event
	stored [][]byte
}

func (k *kept) take(t *testing.T, e *event.Event) {
	t.Helper()
	exportTo(t, k.live, e)
	k.clones = append(k.clones, e.Clone())
	var b bytes.Buffer
	if err := e.Encode(&b); err != nil {
		t.Fatal(err)
	}
	k.stored = append(k.stored, b.Bytes())
}

func exportTo(t *testing.T, outputs []export.Exporter, e *event.Event) {
	t.Helper()
	for _, x := range outputs {
		if err := x.Export(e); err != nil {
			t.Fatal(err)
		}
	}
}

// bothFormats are text and JSON with every column that these records have.
func bothFormats(text, json *bytes.Buffer) []export.Exporter {
	columns := column.Options{Meta: true, Tuple: true, Tunnel: true, CB: true, Stack: true, Caller: true, Metadata: true, Timestamp: column.Absolute}
	return []export.Exporter{export.New(text, export.Options{Columns: columns}), export.New(json, export.Options{JSON: true, Columns: columns})}
}

// TestKeptEventsArePrintedAsLive: text and JSON of events that were kept or stored equal those of the
// live run, byte for byte, although the source has reused all of its memory since.
func TestKeptEventsArePrintedAsLive(t *testing.T) {
	var liveText, liveJSON bytes.Buffer
	k := kept{live: bothFormats(&liveText, &liveJSON)}
	runLive(t, &k)
	flush(t, k.live)
	if !bytes.Contains(liveText.Bytes(), []byte("tp:kfree_skb")) || !bytes.Contains(liveText.Bytes(), []byte("vxlan(id=3):")) {
		t.Fatalf("the run has no tracepoint and no tunnel:\n%s", liveText.Bytes())
	}
	decoded := make([]*event.Event, len(k.stored))
	for i, data := range k.stored {
		var err error
		if decoded[i], err = event.Decode(data); err != nil {
			t.Fatal(err)
		}
	}
	for name, events := range map[string][]*event.Event{"cloned": k.clones, "stored": decoded} {
		var text, json bytes.Buffer
		outputs := bothFormats(&text, &json)
		for _, e := range events {
			exportTo(t, outputs, e)
		}
		flush(t, outputs)
		if text.String() != liveText.String() || json.String() != liveJSON.String() {
			t.Errorf("%s:\n%s\n%s\nwant\n%s\n%s", name, &text, &json, &liveText, &liveJSON)
		}
	}
}

func flush(t *testing.T, outputs []export.Exporter) {
	t.Helper()
	for _, x := range outputs {
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// runLive decodes and enriches records in the memory of one ring buffer.
func runLive(t *testing.T, k *kept) {
	t.Helper()
	functions := []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000000}, {Name: "ip_output", Addr: 0xffffffff81000040}}
	values, err := valuesOf(lengthAndName(), forms{text: true, json: true})
	if err != nil {
		t.Fatal(err)
	}
	names := enrich.New(enrich.Options{
		Functions: functions, Tracepoints: []kernel.Tracepoint{{Name: "netif_rx"}, {Name: "kfree_skb"}}, Values: values, WallTime: true,
		Reasons: map[uint32]string{3: "SKB_DROP_REASON_NO_SOCKET"},
	})
	decoder := stream.NewDecoder(stream.Layout{Values: 40})
	ring := make([]byte, 1024)
	for i := range 24 {
		record := ring[:copy(ring, rawRecord(i, functions))]
		e, err := decoder.Decode(record)
		if err != nil {
			t.Fatal(err)
		}
		names.Enrich(e)
		k.take(t, e)
	}
	clear(ring)
}

// rawRecord is the n-th record: sections come and go, and change or stay as they are.
func rawRecord(n int, functions []kernel.Function) []byte {
	f := functions[n%2]
	core := bpf.Core{Kind: bpf.KindFunction, Time: uint64(n) * 5000, Skb: 0xffff888003c1a400, Addr: f.Addr, Cpu: uint16(n / 8), Pid: 42}
	core.Parts = bpf.PartMeta | bpf.PartTuple
	if n%5 == 0 {
		core.Kind, core.Addr, core.Reason = bpf.KindTracepoint, uint64(n%2), 3
		core.Parts |= bpf.PartDrop | bpf.PartReason
	}
	tuple := bpf.Tuple{Network: uint8(event.IPv4), Protocol: 17, Has: bpf.HasPorts, SourcePort: uint16(4000 + n/3), DestPort: 53}
	tail := slices.Concat(bytesOf(bpf.Meta{Netns: 7, Len: uint32(84 + n/4)}), bytesOf(tuple))
	if n%3 != 0 {
		core.Parts |= bpf.PartTunnel
		tail = append(tail, bytesOf(bpf.Tunnel{Kind: uint8(event.VXLAN), HasId: 1, Id: 3, Tuple: tuple})...)
	}
	if n%4 < 2 {
		core.Parts |= bpf.PartCB
		tail = append(tail, bytesOf(bpf.CB{Words: [5]uint32{uint32(n), 2}})...)
	}
	if n%2 == 0 {
		core.Parts |= bpf.PartValues | bpf.PartStack
		tail = append(append(tail, measured(n)...), bytesOf([2]uint64{f.Addr, functions[1].Addr + uint64(n)})...)
	}
	return append(bytesOf(core), tail...)
}

// measured are the values of lengthAndName, of which the first can always be read.
func measured(n int) []byte {
	raw := make([]byte, 40)
	binary.NativeEndian.PutUint64(raw, uint64(1+n%4*2))
	binary.NativeEndian.PutUint64(raw[8:], uint64(84+n))
	copy(raw[24:], []byte{'e', 't', 'h', byte('0' + n%10)})
	return raw
}
