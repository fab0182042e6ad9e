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
	"tracer/internal/column"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/export"
	"tracer/internal/kernel"
	"tracer/internal/stream"
)

// bytesOf is what the kernel writes of a part.
func bytesOf[T any](v T) []byte {
	return slices.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}

// walk is the records of a packet on its way through functions, with what the default
// columns need: its length changes at every fourth, and nothing else.
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

// TestRowsBehindWithheldEvents: a row tells of its own event, whatever changed in those before
// it that were not printed.
func TestRowsBehindWithheldEvents(t *testing.T) {
	functions := []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000000}}
	var out bytes.Buffer
	tracing := tracing{
		names: enrich.New(enrich.Options{Functions: functions}),
		out:   &output{Exporter: export.New(&out, export.Options{})},
	}
	decoder := stream.NewDecoder(stream.Layout{})
	for i, cpu := range []uint16{3, 5, 5} {
		e, err := decoder.Decode(bytesOf(bpf.Core{Kind: bpf.KindFunction, Addr: functions[0].Addr, Skb: 0xa00, Cpu: cpu}))
		if err != nil {
			t.Fatal(err)
		}
		tracing.full = i == 1
		if err := tracing.print(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := tracing.flush(); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(out.String(), "\n")[1:]
	if tracing.totals.Suppressed != 1 || len(rows) != 3 || strings.Fields(rows[0])[1] != "3" || strings.Fields(rows[1])[1] != "5" {
		t.Errorf("%d withheld, rows on CPUs 3 and 5:\n%s", tracing.totals.Suppressed, out.String())
	}
}

// BenchmarkRow is what user space does for one event, but for reading the ring and writing.
func BenchmarkRow(b *testing.B) {
	for name, json := range map[string]bool{"text": false, "JSON": true} {
		b.Run(name, func(b *testing.B) { benchmarkRow(b, json) })
	}
}

func benchmarkRow(b *testing.B, json bool) {
	functions := make([]kernel.Function, 64)
	for i := range functions {
		functions[i] = kernel.Function{Name: "ip_finish_output2"[:10+i%7], Addr: 0xffffffff81000000 + uint64(i)*64}
	}
	records := walk(functions)
	t := tracing{
		names: enrich.New(enrich.Options{Functions: functions}),
		out:   &output{Exporter: export.New(io.Discard, export.Options{JSON: json, Columns: column.Options{Tuple: true}})},
	}
	decoder := stream.NewDecoder(stream.Layout{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e, err := decoder.Decode(records[i%len(records)])
		if err != nil {
			b.Fatal(err)
		}
		if err := t.print(e); err != nil {
			b.Fatal(err)
		}
	}
}
