// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/ktest"
	"tracer/internal/live"
	"tracer/internal/pipeline"
	"tracer/internal/plan"
	"tracer/internal/sink"
	"tracer/internal/source"
)

// openLive opens a source of tracepoint events of UDP packets to a port.
func openLive(t *testing.T, port int) *live.Source {
	t.Helper()
	r, err := live.Resolve(live.Config{
		Plan: plan.Options{Backend: kernel.TracepointBackend, Settings: bpf.Config{Meta: true, Tuple: true}},
		Expr: fmt.Sprint("udp dst port ", port), WallTime: true, SinceLast: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	src, err := live.Open(t.Context(), r, live.Silent{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	return src
}

// send sends UDP packets to a closed port of this machine, so that the kernel drops them.
func send(t *testing.T, port, packets int) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for range packets {
		if _, err := conn.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err != nil {
			t.Error(err)
		}
	}
}

// runLive runs a pipeline while packets are sent.
func runLive(t *testing.T, src *live.Source, port, packets int, outputs []pipeline.Output) []event.Totals {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := func() error {
		go func() { send(t, port, packets); cancel() }()
		return nil
	}
	totals, err := pipeline.Run(ctx, src, []pipeline.Stage{src.Enrich}, outputs, pipeline.Options{Scope: src.Scope(), Started: started})
	if err != nil {
		t.Error(err)
	}
	for i, sums := range totals {
		if sum := sums.Printed + sums.Suppressed + sums.Lost[event.RingFull]; sums.Matched != sum || sums.Matched < uint64(packets) {
			t.Errorf("output %d: %d matched, but %d printed + %d suppressed + %d lost", i, sums.Matched, sums.Printed, sums.Suppressed, sums.Lost[event.RingFull])
		}
	}
	return totals
}

// filtered is an output of a test, and the buffer that it writes to.
type filtered struct {
	options sink.Options
	filter  func(*event.Event) bool
	out     bytes.Buffer
}

func (f *filtered) output() pipeline.Output {
	return pipeline.Output{Sink: sink.New(&f.out, f.options), Filter: f.filter}
}

func threeOutputs() []*filtered {
	columns := column.Options{Meta: true, Tuple: true, Timestamp: column.Relative}
	return []*filtered{
		{options: sink.Options{Columns: columns}},
		{options: sink.Options{JSON: true, Columns: columns}, filter: func(e *event.Event) bool { return e.Drop.Dropped }},
		{options: sink.Options{Columns: columns}, filter: func(e *event.Event) bool { return !e.Drop.Dropped && e.Time%3 > 0 }},
	}
}

// TestLiveSourceWithThreeSinks checks that sinks with different filters do not affect each other: each prints, byte
// for byte, the same as when the recorded events of the run are replayed to it alone.
func TestLiveSourceWithThreeSinks(t *testing.T) {
	ktest.Root(t)
	const port, packets = 47131, 40
	src := openLive(t, port)
	sinks, k := threeOutputs(), &keeper{}
	outputs := []pipeline.Output{{Sink: k}}
	for _, s := range sinks {
		outputs = append(outputs, s.output())
	}
	totals := runLive(t, src, port, packets, outputs)
	if totals[1].Printed <= totals[2].Printed || totals[2].Printed < packets || totals[3].Printed == 0 || totals[2].Dropped != totals[2].Printed {
		t.Fatalf("the filters do not differ: %+v", totals)
	}
	for i, s := range threeOutputs() {
		if _, err := pipeline.Run(t.Context(), source.NewEvents(k.decoded(t)), nil, []pipeline.Output{s.output()}, pipeline.Options{Scope: src.Scope()}); err != nil {
			t.Fatal(err)
		}
		if together := sinks[i].out.String(); together != s.out.String() {
			t.Errorf("sink %d printed\n%s\nand alone\n%s", i, together, s.out.String())
		}
	}
}

// TestTwoLivePipelines checks that two pipelines can run in one process at the same time.
func TestTwoLivePipelines(t *testing.T) {
	ktest.Root(t)
	var running sync.WaitGroup
	for _, port := range []int{47132, 47133} {
		src := openLive(t, port)
		running.Go(func() {
			all := threeOutputs()[0]
			totals := runLive(t, src, port, 30, []pipeline.Output{all.output()})
			tuple := fmt.Sprint("->127.0.0.1:", port, "(udp)")
			if rows := strings.Count(all.out.String(), tuple); uint64(rows) != totals[0].Printed {
				t.Errorf("%d of %d rows have %s", rows, totals[0].Printed, tuple)
			}
		})
	}
	running.Wait()
}
