// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"tracer/internal/column"
	"tracer/internal/event"
)

// ledger gives versions to sections, as decoders do: the same version only to equal sections. Equal sections
// may have several versions.
type ledger struct {
	versions map[any]uint64
	last     uint64
}

func (l *ledger) version(d dice, section any) uint64 {
	if l.versions[section] == 0 || d.IntN(8) == 0 {
		l.last++
		l.versions[section] = l.last
	}
	return l.versions[section]
}

// stamp sets the versions of an event, some to unknown.
func (l *ledger) stamp(d dice, e *event.Event) {
	meta := e.Meta
	meta.Len = 0
	e.Raw.Versions = event.Versions{Meta: l.version(d, meta), Tuple: l.version(d, e.Tuple), Tunnel: l.version(d, *tunnelOf(e))}
	for _, v := range []*uint64{&e.Raw.Versions.Meta, &e.Raw.Versions.Tuple, &e.Raw.Versions.Tunnel} {
		if d.IntN(4) == 0 {
			*v = 0
		}
	}
}

// draw replaces sections by those of one of a few events, so that old ones come back.
func (d dice) draw(e *event.Event, few []event.Event) {
	other := func() *event.Event { return &few[d.IntN(len(few))] }
	if d.even() {
		e.Meta = other().Meta
	}
	if d.IntN(4) == 0 {
		e.Meta.Len = other().Meta.Len
	}
	if d.even() {
		e.Tuple = other().Tuple
	}
	if d.IntN(4) == 0 {
		e.Tunnel = other().Tunnel
	}
}

// TestVersionsNeverShowStaleCells prints random events with and without versions, and compares the output with
// that of a sink that gets the same events without versions, and with one that prints each cell. Some events
// are missing from the output, as after a filter.
func TestVersionsNeverShowStaleCells(t *testing.T) {
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 21))}
		o := d.roll(d.even())
		var outputs [3]bytes.Buffer
		versioned, compared, printed := New(&outputs[0], o), New(&outputs[1], o), New(&outputs[2], o)
		printEach(printed)
		few := []event.Event{d.event(), d.event(), d.event()}
		few[2].Tunnel = nil
		e, l := few[0], ledger{versions: map[any]uint64{}}
		for range 30 {
			d.draw(&e, few)
			l.stamp(d, &e)
			if d.IntN(4) == 0 {
				continue
			}
			if d.IntN(8) == 0 { // after which no cell can be copied
				takeEvents(t, versioned, nil)
			}
			takeOne(t, versioned, &e)
			takeOne(t, compared, e.Clone())
			takeOne(t, printed, e.Clone())
		}
		for _, x := range []Sink{versioned, compared, printed} {
			takeEvents(t, x, nil) // flushes
		}
		for i, want := range outputs[1:] {
			if !bytes.Equal(outputs[0].Bytes(), want.Bytes()) {
				t.Fatalf("seed %d, output %d: %+v\n%s\nwant\n%s", seed, i, o, outputs[0].Bytes(), want.Bytes())
			}
		}
	}
}

// TestEqualVersionsAreNotCompared changes sections without their versions, which no stage may do.
func TestEqualVersionsAreNotCompared(t *testing.T) {
	const sections = column.OfMeta | column.OfTuple | column.OfTunnel
	var last lastRow
	e := base()
	check := func(name string, want column.Members) {
		if same := last.update(&e, column.OfAll); same != want {
			t.Errorf("%s: unchanged are %b, want %b", name, same, want)
		}
	}
	known := event.Versions{Meta: 1, Tuple: 2, Tunnel: 3}
	last.update(&e, column.OfAll)
	e.Raw.Versions = known
	check("first versions", column.OfAll&^sections)
	e.Meta.Mark++
	e.Tuple.SourcePort++
	check("equal versions", column.OfAll)
	e.Raw.Versions.Tuple++
	check("new version", column.OfAll&^column.OfTuple)
	e.Raw.Versions = event.Versions{}
	check("no versions any more", column.OfAll&^sections)
	check("no versions", column.OfAll)
	e.Meta.Mark++
	check("changed value", column.OfAll&^column.OfMeta)
}
