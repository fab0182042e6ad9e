// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// whole is an expression and the bytes of its value, or nil if a read fails.
type whole struct {
	text   string
	size   int
	string bool
	want   func(w *world) []byte
}

// upTo pads or truncates a string to a size, with a NUL at the end.
func upTo(s string, size int) []byte {
	b := make([]byte, size)
	copy(b[:size-1], s)
	return b
}

// some returns bytes of the packet, padded with zeros.
func some(from, length, size int) func(w *world) []byte {
	return func(w *world) []byte {
		b := make([]byte, size)
		copy(b, w.bytes()[packetAt+from:][:length])
		return b
	}
}

var wholes = []whole{
	{"skb->name", 24, true, func(w *world) []byte { return upTo(w.Name, 24) }},
	{"skb->label", 64, true, func(w *world) []byte { return upTo(w.Label, 64) }},
	{"skb->label + 1", 64, true, func(w *world) []byte { return upTo((w.Label + "\x00\x00")[1:], 64) }},
	{"(char *)8", 64, true, func(w *world) []byte { return nil }},
	{"skb->in->full", 8, true, reached(hasIn, func(w *world) []byte { return upTo(w.Full, 8) })},
	{"skb->cb", 48, false, some(112, 48, 48)},
	{"skb->arr", 16, false, some(92, 16, 16)},
	{"skb->grid[1]", 8, false, some(211, 3, 8)},
	{"skb->grid", 8, false, some(208, 6, 8)},
	{"skb->pairs[1]", 8, false, some(164, 4, 8)},
	{"*skb", 248, false, some(0, 248, 248)},
	{"skb->wide", 16, false, some(216, 16, 16)},
	{"*skb->in", 64, false, reached(hasIn, func(w *world) []byte { return w.bytes()[innerAt:][:64] })},
	{"skb->in->next->x", 8, false, reached(hasNext, func(w *world) []byte { return eight(uint64(int64(w.X2))) })},
	{"skb->sb", 8, false, func(w *world) []byte { return eight(uint64(int64(w.Sb))) }},
	{"7", 8, false, func(*world) []byte { return eight(7) }},
}

// reached returns nil if a pointer in the path of the expression is NULL.
func reached(there func(*world) bool, want func(*world) []byte) func(*world) []byte {
	return func(w *world) []byte {
		if !there(w) {
			return nil
		}
		return want(w)
	}
}

func eight(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func compiled(tb testing.TB, types Types, text string) *Program {
	tb.Helper()
	p, err := Value(types, Skb, text)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestValuesAreCopied(t *testing.T) {
	l := newLab(t)
	types := newTypes()
	random := rand.New(rand.NewPCG(5, 6))
	for _, s := range wholes {
		p := compiled(t, types, s.text)
		if p.Size != s.size || p.String != s.string {
			t.Errorf("%s: %d bytes, string %t, want %d, %t", s.text, p.Size, p.String, s.size, s.string)
		}
		prog := l.body(t, p.Body)
		for range 30 {
			w := randomWorld(random, l.address)
			l.show(t, l.address+packetAt, w.bytes())
			got, ok := l.reads(t, prog)
			if want := s.want(w); ok != (want != nil) || ok && !bytes.Equal(got[:s.size], want) {
				t.Fatalf("%s: %q, read %t, want %q", s.text, got[:s.size], ok, want)
			}
			if i := slices.IndexFunc(got[s.size:], func(b byte) bool { return b != 0xa5 }); i >= 0 {
				t.Fatalf("%s: byte %d after its %d is written", s.text, i, s.size)
			}
		}
	}
}

// expected returns the output of a body with several values.
func expected(w *world, parts []whole) []byte {
	out := make([]byte, bitmap)
	for i, s := range parts {
		value := s.want(w)
		if value == nil {
			out = append(out, make([]byte, s.size)...)
			continue
		}
		out[i/8] |= 1 << (i % 8)
		out = append(out, value...)
	}
	return out
}

func TestSeveralValues(t *testing.T) {
	l := newLab(t)
	types := newTypes()
	random := rand.New(rand.NewPCG(7, 8))
	for _, count := range []int{0, 1, 9, len(wholes), MaxValues} {
		var parts []whole
		var programs []*Program
		for i := range count {
			s := wholes[(i+random.IntN(2))%len(wholes)]
			if count == MaxValues {
				s = wholes[len(wholes)-1-i%3]
			}
			parts, programs = append(parts, s), append(programs, compiled(t, types, s.text))
		}
		layout, err := LayOut(programs)
		if err != nil {
			t.Fatal(err)
		}
		prog := l.body(t, Values(programs))
		for range 30 {
			w := randomWorld(random, l.address)
			l.show(t, l.address+packetAt, w.bytes())
			got, _ := l.reads(t, prog)
			want := expected(w, parts)
			if len(want) != layout.Size || !bytes.Equal(got[:layout.Size], want) {
				t.Fatalf("%d values: %x, want %x", count, got[:layout.Size], want)
			}
			if layout.Size < len(got) && got[layout.Size] != 0xa5 {
				t.Fatalf("%d values: bytes after them are written", count)
			}
		}
	}
}

func TestUnreadableValuesAreZero(t *testing.T) {
	l := newLab(t)
	var programs []*Program
	for _, s := range wholes {
		if s.text != "7" {
			programs = append(programs, compiled(t, newTypes(), s.text))
		}
	}
	layout, err := LayOut(programs)
	if err != nil {
		t.Fatal(err)
	}
	l.show(t, 0, nil)
	got, _ := l.reads(t, l.body(t, Values(programs)))
	if !bytes.Equal(got[:layout.Size], make([]byte, layout.Size)) {
		t.Errorf("%x", got[:layout.Size])
	}
}

func TestLayOut(t *testing.T) {
	types := newTypes()
	l, err := LayOut([]*Program{compiled(t, types, "skb->ub"), compiled(t, types, "skb->name"), compiled(t, types, "1")})
	if err != nil || !slices.Equal(l.Offsets, []int{8, 16, 40}) || l.Size != 48 {
		t.Errorf("%+v, %v", l, err)
	}
	for want, programs := range map[string][]*Program{
		"65 skb expressions: at most 64 can be shown": slices.Repeat([]*Program{compiled(t, types, "1")}, 65),
		"have 2240 bytes: at most 2048 can be shown":  slices.Repeat([]*Program{compiled(t, types, "*skb")}, 9),
	} {
		_, err := LayOut(programs)
		var usage interface{ Usage() bool }
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &usage) || !usage.Usage() {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestLargestBodiesLoad(t *testing.T) {
	l := newLab(t)
	const read = "skb->in->x == 3"
	wide := "skb->ub"
	for range 7 {
		wide = fmt.Sprintf("(%s + %s)", wide, wide)
	}
	for name, text := range map[string]string{
		"many reads":       read + strings.Repeat(" || "+read, (maxText-len(read))/len(" || "+read)),
		"a balanced tree":  wide,
		"brackets at left": strings.Repeat("(", 60) + "skb->ub" + strings.Repeat(" + skb->us)", 60),
		"brackets inside":  strings.Repeat("skb->us + (", 60) + "skb->ub" + strings.Repeat(")", 60),
	} {
		p, err := Condition(newTypes(), Skb, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l.body(t, p.Body)
	}
}
