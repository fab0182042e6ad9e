// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"tracer/internal/event"
)

// printEach makes the sink print every cell, and copy none.
func printEach(x Sink) {
	var c *cells
	switch x := x.(type) {
	case *text:
		c = &x.cells
	case *json:
		c = &x.packet
	}
	clear(c.of)
}

// change copies some members of another event, and all members whose cells are never copied.
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

// TestCopiedCellsEqualPrintedOnes changes random members of events.
func TestCopiedCellsEqualPrintedOnes(t *testing.T) {
	for seed := range uint64(throws) {
		d := dice{rand.New(rand.NewPCG(seed, 7))}
		o := d.roll(d.even())
		var copied, anew bytes.Buffer
		x, y := New(&copied, o), New(&anew, o)
		printEach(y)
		e := d.event()
		for range 12 {
			for _, x := range []Sink{x, y} {
				if err := x.Take(&e); err != nil {
					t.Fatal(err)
				}
			}
			if d.IntN(4) == 0 { // after which no cell can be copied
				if err := x.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			d.change(&e, d.event())
		}
		for _, x := range []Sink{x, y} {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(copied.Bytes(), anew.Bytes()) {
			t.Fatalf("seed %d: %+v\n%s\nwant\n%s", seed, o, copied.Bytes(), anew.Bytes())
		}
	}
}

// TestCellsAreCopied checks that only changed cells are printed.
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
		if err := x.Take(&e); err != nil {
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
