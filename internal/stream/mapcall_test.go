// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

func TestDecodeMap(t *testing.T) {
	part := bpf.Map{
		Name: comm("flows"), Id: 7, Type: 9, KeySize: 2, ValueSize: 1000, KeyRead: 2, ValueRead: 3,
		Operation: bpf.OperationUpdate, Found: 1,
	}
	copy(part.Key[:], "kk, and what was there before")
	copy(part.Value[:], "vvv, and what was there before")
	raw := append(record(bpf.Core{Kind: bpf.KindFunction, Parts: bpf.PartMap}, nil, nil), bytesOf(&part)...)
	var got event.Event
	if err := plain.Decode(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := event.MapCall{
		Operation: event.MapUpdate, ID: 7, Name: comm("flows"), Type: 9, KeySize: 2, ValueSize: 1000, Found: true,
		Key: []byte("kk"), Value: []byte("vvv"),
	}
	if diff := cmp.Diff(want, *got.Map); diff != "" {
		t.Errorf("map (-want +got):\n%s", diff)
	}
	if got.Map.Type.String() != "lru_hash" || got.Map.Operation.String() != "update" {
		t.Errorf("%s of %s", got.Map.Operation, got.Map.Type)
	}
	if err := plain.Decode(raw[:len(raw)-1], &event.Event{}); err == nil {
		t.Error("a truncated map was accepted")
	}
}

// TestInvalidLengthsAreBounded checks that nothing outside the part is read.
func TestInvalidLengthsAreBounded(t *testing.T) {
	var got event.MapCall
	decodeMap(&bpf.Map{KeyRead: 60000, ValueRead: 60000}, &got)
	if len(got.Key) != bpf.MaxMapKey || len(got.Value) != bpf.MaxMapValue {
		t.Errorf("%d bytes of key, %d of value", len(got.Key), len(got.Value))
	}
}
