// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/pipeline"
	"tracer/internal/sink"
	"tracer/internal/source"
	"tracer/internal/stream"

	"github.com/google/go-cmp/cmp"
)

// keeper is a sink that keeps each event twice: as a clone and encoded.
type keeper struct {
	clones []*event.Event
	stored [][]byte
}

func (k *keeper) Take(e *event.Event) error {
	k.clones = append(k.clones, e.Clone())
	var b bytes.Buffer
	err := e.Encode(&b)
	k.stored = append(k.stored, b.Bytes())
	return err
}

func (k *keeper) Flush() error { return nil }
func (k *keeper) Close() error { return nil }

// decoded returns the stored events.
func (k *keeper) decoded(t *testing.T) (events []*event.Event) {
	t.Helper()
	for _, data := range k.stored {
		e, err := event.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// bothFormats returns outputs of text and JSON, with every column that these records have.
func bothFormats(text, json *bytes.Buffer) []pipeline.Output {
	columns := column.Options{Meta: true, Tuple: true, Tunnel: true, CB: true, Stack: true, Caller: true, Metadata: true, Timestamp: column.Absolute}
	return []pipeline.Output{{Sink: sink.New(text, sink.Options{Columns: columns})}, {Sink: sink.New(json, sink.Options{JSON: true, Columns: columns})}}
}

// checkReplay replays the clones and the stored events, and compares their text and JSON with those of the live run.
func checkReplay(t *testing.T, k *keeper, o pipeline.Options, liveText, liveJSON string) {
	t.Helper()
	for name, events := range map[string][]*event.Event{"cloned": k.clones, "stored": k.decoded(t)} {
		var text, json bytes.Buffer
		if _, err := pipeline.Run(t.Context(), source.NewEvents(events), nil, bothFormats(&text, &json), pipeline.Options{Scope: o.Scope}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(liveText, text.String()) + cmp.Diff(liveJSON, json.String()); diff != "" {
			t.Errorf("%s events (-live +replayed):\n%s", name, diff)
		}
	}
}

// TestReplayEqualsLive checks that text and JSON of cloned and of stored events equal those of the live run, byte
// for byte, although the source has reused all of its memory since.
func TestReplayEqualsLive(t *testing.T) {
	functions := []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000000}, {Name: "ip_output", Addr: 0xffffffff81000040}}
	var records [][]byte
	for i := range 24 {
		records = append(records, rawRecord(i, functions))
	}
	src := newRing(enrich.Options{
		Functions: functions, Tracepoints: []kernel.Tracepoint{{Name: "netif_rx"}, {Name: "kfree_skb"}}, Values: lengthAndName(), WallTime: true,
		Reasons: map[uint32]string{3: "SKB_DROP_REASON_NO_SOCKET"},
	}, stream.Layout{Values: 40}, records)
	var text, json bytes.Buffer
	k := &keeper{}
	if _, err := pipeline.Run(t.Context(), src, []pipeline.Stage{src.enrich}, append(bothFormats(&text, &json), pipeline.Output{Sink: k}), pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	clear(src.buffer)
	if !bytes.Contains(text.Bytes(), []byte("tp:kfree_skb")) || !bytes.Contains(text.Bytes(), []byte("vxlan(id=3):")) {
		t.Fatalf("the run has no tracepoint or no tunnel:\n%s", text.Bytes())
	}
	checkReplay(t, k, pipeline.Options{}, text.String(), json.String())
}

// lengthAndName returns a function that formats two values in memory that is reused: a number, which some records
// lack, and a string.
func lengthAndName() func(raw []byte) []event.NamedValue {
	var length, name event.Value
	named := []event.NamedValue{{Name: "skb->len"}, {Name: "skb->dev->name", Value: &name}}
	return func(raw []byte) []event.NamedValue {
		length.Text = strconv.AppendUint(length.Text[:0], binary.NativeEndian.Uint64(raw[8:]), 10)
		length.JSON = append(length.JSON[:0], length.Text...)
		name.Text = append(name.Text[:0], event.CString(raw[24:])...)
		name.JSON = strconv.AppendQuote(name.JSON[:0], string(name.Text))
		if named[0].Value = nil; raw[0] != 0 {
			named[0].Value = &length
		}
		return named
	}
}

// rawRecord returns the n-th record. Its parts depend on n.
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
		tail = append(append(tail, rawValues(n)...), bytesOf([2]uint64{f.Addr, functions[1].Addr + uint64(n)})...)
	}
	return append(bytesOf(core), tail...)
}

// rawValues returns the part of a record that lengthAndName formats.
func rawValues(n int) []byte {
	raw := make([]byte, 40)
	raw[0] = byte(n % 4)
	binary.NativeEndian.PutUint64(raw[8:], uint64(84+n))
	copy(raw[24:], []byte{'e', 't', 'h', byte('0' + n%10)})
	return raw
}
