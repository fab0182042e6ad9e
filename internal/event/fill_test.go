// SPDX-License-Identifier: Apache-2.0

package event

import (
	"net/netip"
	"reflect"
)

// filler sets every member of a value, including those behind pointers, from bytes. When the bytes are used
// up, it continues with zeros.
type filler struct{ data []byte }

func (f *filler) next() byte {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return b
}

// uint returns a number of 0 to 8 bytes.
func (f *filler) uint() (n uint64) {
	for range f.next() % 9 {
		n = n<<8 | uint64(f.next())
	}
	return n
}

func (f *filler) bytes() []byte {
	b := make([]byte, f.next()%20)
	for i := range b {
		b[i] = f.next()
	}
	return b
}

func (f *filler) addr() netip.Addr {
	switch f.next() % 4 {
	case 0:
		return netip.Addr{}
	case 1:
		return netip.AddrFrom4([4]byte{f.next(), f.next(), f.next(), f.next()})
	}
	var a [16]byte
	for i := range a {
		a[i] = f.next()
	}
	return netip.AddrFrom16(a)
}

func (f *filler) fill(v reflect.Value) {
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(f.addr()))
		return
	case Raw: // not stored
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.next()%2 == 1)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.uint()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.uint())
	case reflect.String:
		v.SetString(string(f.bytes()))
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	default:
		f.fillReference(v)
	}
}

// fillReference sets pointers and slices, some to nil and some slices to length 0.
func (f *filler) fillReference(v reflect.Value) {
	n := int(f.next() % 5)
	switch {
	case n == 0:
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
		for i := range n - 1 {
			f.fill(v.Index(i))
		}
	default:
		panic("no case for " + v.Type().String())
	}
}

// eventOf returns an event made from bytes.
func eventOf(data []byte) *Event {
	e := new(Event)
	f := filler{data}
	f.fill(reflect.ValueOf(e).Elem())
	return e
}
