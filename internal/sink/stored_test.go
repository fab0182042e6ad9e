// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"tracer/internal/event"
)

// TestStoredEventsArePrintedTheSame prints events of every kind, and random ones, before and after they
// were stored.
func TestStoredEventsArePrintedTheSame(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 11))}
	events := []event.Event{}
	for _, s := range samples() {
		events = append(events, s.event)
	}
	for range 200 {
		events = append(events, d.event())
	}
	for range 20 {
		o := d.roll(d.even())
		if got, want := printedAs(t, o, storedAndRead(t, events)), printedAs(t, o, events); got != want {
			t.Fatalf("%+v:\n%s\nwant\n%s", o, got, want)
		}
	}
}

func storedAndRead(t *testing.T, events []event.Event) (read []event.Event) {
	t.Helper()
	for i := range events {
		var b bytes.Buffer
		if err := events[i].Encode(&b); err != nil {
			t.Fatal(err)
		}
		e, err := event.Decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, *e)
	}
	return read
}

// TestSinksWithDifferentFilters checks that each sink prints what it would print alone, whatever rows the
// others print.
func TestSinksWithDifferentFilters(t *testing.T) {
	for seed := range uint64(throws / 10) {
		d := dice{rand.New(rand.NewPCG(seed, 12))}
		options := []Options{d.roll(false), d.roll(true), d.roll(d.even())}
		together, alone := make([]bytes.Buffer, len(options)), make([]bytes.Buffer, len(options))
		var outputs, single []Sink
		for i, o := range options {
			outputs, single = append(outputs, New(&together[i], o)), append(single, New(&alone[i], o))
			printEach(single[i])
		}
		e := d.event()
		for range 30 {
			for i := range outputs {
				if i == 0 || d.IntN(3) == 0 { // the first has no filter
					takeOne(t, outputs[i], &e)
					takeOne(t, single[i], &e)
				}
			}
			d.change(&e, d.event())
		}
		for i := range options {
			takeEvents(t, outputs[i], nil) // flushes
			takeEvents(t, single[i], nil)
			if !bytes.Equal(together[i].Bytes(), alone[i].Bytes()) {
				t.Fatalf("seed %d, output %d:\n%s\nwant\n%s", seed, i, together[i].Bytes(), alone[i].Bytes())
			}
		}
	}
}

func takeOne(t *testing.T, x Sink, e *event.Event) {
	t.Helper()
	if err := x.Take(e); err != nil {
		t.Fatal(err)
	}
}
