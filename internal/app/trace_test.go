// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/notice"
	"tracer/internal/pipeline"
	"tracer/internal/sink"
	"tracer/internal/source"
)

var errBackground, errDiskFull = errors.New("no more sockets"), errors.New("disk full")

// failing is a source that fails after its events, as a live source does after a failure in the background.
type failing struct{ *source.Events }

func (f failing) Next() (*event.Event, error) {
	e, err := f.Events.Next()
	if err != nil {
		return nil, errBackground
	}
	return e, nil
}

// fullDisk is a writer without room.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDiskFull }

func TestTotalsAreReportedIfTheyAreKnown(t *testing.T) {
	packet, end := &event.Event{Kind: event.Function, Skb: 2}, &event.Event{Kind: event.Summary, Totals: &event.Totals{Matched: 1}}
	var rows bytes.Buffer
	for name, c := range map[string]struct {
		src  source.Source
		out  sink.Sink
		err  error
		line string
	}{
		"normal end":            {source.NewEvents([]*event.Event{packet, end}), sink.New(&rows, sink.Options{}), nil, "traced 1 event of 1 packet in 0.0s, 0 lost\n"},
		"failure in background": {failing{source.NewEvents([]*event.Event{packet, end})}, sink.New(&rows, sink.Options{}), errBackground, "traced 1 event of 1 packet in 0.0s, 0 lost\n"},
		"failed source":         {failing{source.NewEvents([]*event.Event{packet})}, sink.New(&rows, sink.Options{}), errBackground, ""},
		"failed sink":           {source.NewEvents([]*event.Event{packet, end}), sink.New(fullDisk{}, sink.Options{}), errDiskFull, "traced 0 events of 0 packets in 0.0s, 0 lost\n"},
	} {
		var lines strings.Builder
		notices := notice.New(func(n notice.Notice) { lines.WriteString(n.Line() + "\n") }, notice.Options{})
		err := follow(t.Context(), c.src, nil, []pipeline.Output{{Sink: c.out}}, notices, pipeline.Options{})
		if !errors.Is(err, c.err) || lines.String() != c.line {
			t.Errorf("%s: notices %q, want %q; error %v, want %v", name, lines.String(), c.line, err, c.err)
		}
	}
}
