// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"tracer/internal/event"
)

// printEach has the exporter print every cell anew.
func printEach(x Exporter) {
	var c *cells
	switch x := x.(type) {
	case *text:
		c = &x.cells
	case *json:
		c = &x.packet
	}
	clear(c.of)
}

// change takes some members of another event, and all that no cell may be copied for.
func (d dice) change(e *event.Event, other event.Event) {
	take := func(copy func()) {
		if d.IntN(4) == 0 {
			copy()
		}
	}
	last := *e
	*e = other
	e.Skb, e.CPU, e.Process, e.Meta, e.Tuple, e.Tunnel = last.Skb, last.CPU, last.Process, last.Meta, last.Tuple, last.Tunnel
	take(func() { e.Skb = other.Skb })
	take(func() { e.CPU = other.CPU })
	take(func() { e.Process = other.Process })
	take(func() { e.Meta = other.Meta })
	take(func() { e.Meta.Len = other.Meta.Len })
	take(func() { e.Tuple = other.Tuple })
	take(func() { e.Tunnel = other.Tunnel })
}

// TestCellsAreThoseOfTheEvent: what is copied from the row before is what would have been
// printed anew, whatever of the event changes.
func TestCellsAreThoseOfTheEvent(t *testing.T) {
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 7))}
		o := d.roll(d.even())
		var copied, anew bytes.Buffer
		x, y := New(&copied, o), New(&anew, o)
		printEach(y)
		e := d.event()
		for range 12 {
			for _, x := range []Exporter{x, y} {
				if err := x.Export(&e); err != nil {
					t.Fatal(err)
				}
			}
			if d.IntN(4) == 0 { // of which nothing is left to copy from
				if err := x.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			d.change(&e, d.event())
		}
		for _, x := range []Exporter{x, y} {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(copied.Bytes(), anew.Bytes()) {
			t.Fatalf("seed %d: %+v\n%s\nwant\n%s", seed, o, copied.Bytes(), anew.Bytes())
		}
	}
}

// TestCellsAreCopied: the time that a row takes is in what is new.
func TestCellsAreCopied(t *testing.T) {
	printed := 0
	x := New(&bytes.Buffer{}, Options{Columns: defaults}).(*text)
	print := x.cells.print
	x.cells.print = func(dst []byte, i int, e *event.Event) []byte {
		printed++
		return print(dst, i, e)
	}
	e := base()
	for _, want := range []int{len(x.columns), 1, 2} { // all, the function, and the CPU
		printed = 0
		if err := x.Export(&e); err != nil {
			t.Fatal(err)
		}
		if printed != want {
			t.Errorf("%d cells printed, want %d", printed, want)
		}
		if want == 1 {
			e.CPU++
		}
	}
}
