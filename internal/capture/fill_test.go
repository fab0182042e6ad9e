// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"

	"tracer/internal/event"
)

// dice makes random events.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 17))} }

// event returns an event about a packet in which each section is set with a probability of one half.
func (d dice) event() *event.Event {
	e := new(event.Event)
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		if d.IntN(2) == 0 {
			d.fill(v.Field(i))
		}
	}
	d.repair(e)
	return e
}

// repair makes the members possible in an event about a packet.
func (d dice) repair(e *event.Event) {
	e.Kind = event.Kind(1 + d.IntN(int(event.Looked)))
	e.Loss, e.Totals, e.Raw, e.Bytes = nil, nil, event.Raw{}, d.bytes()
}

func (d dice) bytes() *event.Bytes {
	if d.IntN(4) == 0 {
		return nil
	}
	frame := frames[d.IntN(len(frames))]
	b := &event.Bytes{Type: frame.kind, Len: uint32(len(frame.data) + d.IntN(100)), Data: frame.data}
	if d.IntN(4) == 0 {
		b.TagType, b.Tag = 0x88a8, uint16(d.IntN(1<<16))
	}
	if b.Type == 0 && d.IntN(4) == 0 {
		b.Type, b.Data = 0x8847, b.Data[14:]
	}
	return b
}

func (d dice) number() uint64 { return d.Uint64() >> d.IntN(64) }

func (d dice) fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[netip.Addr]() {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(d.IntN(4)), byte(d.IntN(256))})
		if d.IntN(2) == 0 {
			addr = netip.AddrFrom16([16]byte{0xfe, 0x80, 15: byte(d.IntN(256))})
		}
		v.Set(reflect.ValueOf(addr))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(int32(d.number())))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(d.number() & (1<<v.Type().Bits() - 1))
	case reflect.String:
		v.SetString(strings.Repeat("ab\x1b\xff", d.IntN(4)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+d.IntN(3), 4))
		d.each(v)
	case reflect.Array:
		d.each(v)
	case reflect.Struct:
		for i := range v.NumField() {
			d.fill(v.Field(i))
		}
	default:
		panic("no random " + v.Kind().String())
	}
}

func (d dice) each(v reflect.Value) {
	for i := range v.Len() {
		d.fill(v.Index(i))
	}
}
