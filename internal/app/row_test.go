// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"tracer/internal/bpf"
	"tracer/internal/capture"
	"tracer/internal/column"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/kernel"
	"tracer/internal/pipeline"
	"tracer/internal/sink"
	"tracer/internal/stream"
)

// bytesOf returns the bytes of a part of a record.
func bytesOf[T any](v T) []byte {
	return slices.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}

// walk returns the records of a packet that passes through functions, with the parts for the default columns.
// Only its length changes, at every fourth function.
func walk(functions []kernel.Function) [][]byte {
	var records [][]byte
	for i, f := range functions {
		core := bpf.Core{
			Kind: bpf.KindFunction, Time: uint64(i) * 5000, Skb: 0xffff888003c1a400, Addr: f.Addr,
			Pid: 4242, Tid: 4242, Parts: bpf.PartMeta | bpf.PartTuple | bpf.PartArguments,
		}
		copy(core.Comm[:], "nginx")
		meta := bpf.Meta{Netns: 4026531840, Ifindex: 2, Mtu: 1500, Len: uint32(84 + i/4), Protocol: 0x800}
		copy(meta.Ifname[:], "eth0")
		tuple := bpf.Tuple{Network: uint8(event.IPv4), Protocol: 17, Has: bpf.HasPorts, SourcePort: 40000, DestPort: 53}
		copy(tuple.Source[:], []byte{10, 9, 0, 1})
		copy(tuple.Dest[:], []byte{10, 9, 0, 2})
		records = append(records, slices.Concat(bytesOf(core), bytesOf(meta), bytesOf(tuple)))
	}
	return records
}

// ring is a source that decodes and names records as a live source does, in memory that is reused.
type ring struct {
	decoder *stream.Decoder
	names   *enrich.Enricher
	numbers *journey.Numbers
	records [][]byte
	// buffer has the current record; nil means that records are decoded in place.
	buffer []byte
	next   int
	// most is the number of records to read, starting over after the last one; read counts them.
	most, read int
}

func newRing(names enrich.Options, layout stream.Layout, records [][]byte) *ring {
	return &ring{
		decoder: stream.NewDecoder(layout), names: enrich.New(names), numbers: journey.NewNumbers(1, 0),
		records: records, buffer: make([]byte, 1024), most: len(records),
	}
}

func (r *ring) Next() (*event.Event, error) {
	if r.read == r.most {
		return nil, io.EOF
	}
	r.read++
	if r.next == len(r.records) {
		r.next = 0
	}
	record := r.records[r.next]
	r.next++
	if r.buffer != nil {
		record = r.buffer[:copy(r.buffer, record)]
	}
	e, err := r.decoder.Decode(record)
	if err != nil {
		return nil, err
	}
	r.numbers.Notice(e)
	r.names.Name(e)
	return e, nil
}

func (r *ring) enrich(e *event.Event) {
	r.names.Complete(e)
	r.numbers.Rename(e)
}

func (r *ring) Close() error { return nil }

// TestRowsAfterSuppressedEvents checks that a row has the values of its own event, whatever changed in
// suppressed events before it.
func TestRowsAfterSuppressedEvents(t *testing.T) {
	functions := []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000000}}
	var records [][]byte
	for i, cpu := range []uint16{3, 5, 5, 5} {
		skb := uint64(0xa00)
		if i > 1 {
			skb = 0xb00
		}
		records = append(records, bytesOf(bpf.Core{Kind: bpf.KindFunction, Addr: functions[0].Addr, Skb: skb, Cpu: cpu}))
	}
	var out bytes.Buffer
	src := newRing(enrich.Options{Functions: functions}, stream.Layout{}, records)
	totals, err := pipeline.Run(t.Context(), src, []pipeline.Stage{src.enrich}, []pipeline.Output{{Sink: sink.New(&out, sink.Options{})}}, pipeline.Options{
		Limits: pipeline.Limits{EventsPerPacket: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(out.String(), "\n")[1:]
	if totals[0].Suppressed != 2 || len(rows) != 3 || strings.Fields(rows[0])[1] != "3" || strings.Fields(rows[1])[1] != "5" {
		t.Errorf("%d suppressed, rows on CPUs 3 and 5:\n%s", totals[0].Suppressed, out.String())
	}
}

// BenchmarkRow measures the work of user space for one event, except reading the ring buffer and writing.
func BenchmarkRow(b *testing.B) {
	for name, json := range map[string]bool{"text": false, "JSON": true} {
		b.Run(name, func(b *testing.B) {
			benchmarkRow(b, sink.New(io.Discard, sink.Options{JSON: json, Columns: column.Options{Meta: true, Tuple: true}}), stream.Layout{}, walk)
		})
	}
	b.Run("recording", func(b *testing.B) {
		out, err := sink.OpenRecording(b.Context(), sink.RecordingTarget{Path: sink.StdoutPath, Stdout: io.Discard})
		if err != nil {
			b.Fatal(err)
		}
		if err := out.Begin(capture.Run{}); err != nil {
			b.Fatal(err)
		}
		benchmarkRow(b, out, stream.Layout{Packet: int(bpf.PacketSize(headerBytes))}, walkWithBytes)
	})
}

// walkWithBytes returns the records of walk with the bytes of a TCP packet.
func walkWithBytes(functions []kernel.Function) [][]byte {
	records := walk(functions)
	frame := make([]byte, headerBytes)
	copy(frame[12:], []byte{8, 0, 0x45, 0, 0, 84, 0, 0, 0, 0, 64, 6})
	frame[46] = 8 << 4 // TCP options
	part := bytesOf(bpf.Packet{Len: 1000, Size: headerBytes})
	for i, r := range records {
		core := (*bpf.Core)(unsafe.Pointer(&r[0]))
		core.Parts |= bpf.PartPacket
		records[i] = slices.Concat(r, part, frame)
	}
	return records
}

func benchmarkRow(b *testing.B, out sink.Sink, layout stream.Layout, walk func([]kernel.Function) [][]byte) {
	functions := make([]kernel.Function, 64)
	for i := range functions {
		functions[i] = kernel.Function{Name: "ip_finish_output2"[:10+i%7], Addr: 0xffffffff81000000 + uint64(i)*64}
	}
	src := newRing(enrich.Options{Functions: functions, WallTime: true}, layout, walk(functions))
	src.most, src.buffer = b.N, nil
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := pipeline.Run(b.Context(), src, []pipeline.Stage{src.enrich}, []pipeline.Output{{Sink: out}}, pipeline.Options{}); err != nil {
		b.Fatal(err)
	}
}

// TestRowsAllocateNothing compares the allocations of a short and a long run.
func TestRowsAllocateNothing(t *testing.T) {
	functions := []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000000}, {Name: "ip_output", Addr: 0xffffffff81000040}}
	for _, json := range []bool{false, true} {
		allocations := func(rows int) float64 {
			return testing.AllocsPerRun(3, func() {
				src := newRing(enrich.Options{Functions: functions}, stream.Layout{}, walk(functions))
				src.most = rows
				out := sink.New(io.Discard, sink.Options{JSON: json, Columns: column.Options{Tuple: true}})
				outputs := []pipeline.Output{{Sink: out}, {Sink: out, Filter: func(e *event.Event) bool { return e.Skb == 0 }}}
				if _, err := pipeline.Run(t.Context(), src, []pipeline.Stage{src.enrich}, outputs, pipeline.Options{}); err != nil {
					t.Fatal(err)
				}
			})
		}
		if short, long := allocations(100), allocations(20_000); long > short+5 {
			t.Errorf("JSON %t: %v allocations for 100 rows and %v for 20,000", json, short, long)
		}
	}
}
