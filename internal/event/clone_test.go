// SPDX-License-Identifier: Apache-2.0

package event

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// randomBytes returns enough bytes to set every member of an event.
func randomBytes(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	data := make([]byte, 8192)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// TestCloneSharesNoMemory overwrites all memory of the original, and checks that the clone is unchanged.
func TestCloneSharesNoMemory(t *testing.T) {
	for seed := range uint64(200) {
		data := randomBytes(seed)
		original, want := eventOf(data), eventOf(data)
		original.Raw = Raw{ID: 1, Stack: []uint64{1}}
		clone := original.Clone()
		overwrite(reflect.ValueOf(original).Elem())
		if !reflect.DeepEqual(clone, want) {
			t.Fatalf("seed %d: the clone is\n%+v\nwant\n%+v", seed, clone, want)
		}
	}
}

// overwrite zeroes what v refers to, innermost first.
func overwrite(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			overwrite(v.Elem())
		}
		return
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			overwrite(v.Index(i))
		}
		return
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				overwrite(v.Field(i))
			}
		}
		return
	}
	v.SetZero()
}

func TestCloneOfAnEmptyEvent(t *testing.T) {
	if c := new(Event).Clone(); !reflect.DeepEqual(c, new(Event)) {
		t.Errorf("%+v", c)
	}
}
