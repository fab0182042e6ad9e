// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"reflect"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// TestVersionsAreUnique takes numbers of two decoders in turns, beyond the ends of their blocks.
func TestVersionsAreUnique(t *testing.T) {
	seen := map[uint64]bool{0: true}
	var a, b versions
	for i := range 100 {
		for _, v := range []*versions{&a, &b} {
			if n := v.next(); seen[n] {
				t.Fatalf("%d is not new", n)
			} else {
				seen[n] = true
			}
			if i%30 == 5 {
				v.last = v.end - 2
			}
		}
	}
}

// checkVersions checks that sections with the same version are equal. known are the sections so far.
func checkVersions(t *testing.T, known map[uint64]any, e *event.Event) {
	t.Helper()
	meta := e.Meta
	meta.Len = 0
	checkVersion(t, known, e.Raw.Versions.Meta, meta)
	checkVersion(t, known, e.Raw.Versions.Tuple, e.Tuple)
	if e.Tunnel != nil {
		checkVersion(t, known, e.Raw.Versions.Tunnel, *e.Tunnel)
	} else if e.Raw.Versions.Tunnel != 0 {
		t.Fatalf("no tunnel has version %d", e.Raw.Versions.Tunnel)
	}
}

func checkVersion(t *testing.T, known map[uint64]any, version uint64, section any) {
	t.Helper()
	if version == 0 {
		return
	}
	if before, ok := known[version]; ok && before != section {
		t.Fatalf("version %d: %+v, before %+v", version, section, before)
	}
	known[version] = section
}

// TestVersionsChangeWithTheSection checks that only sections that changed get new versions, also if a record
// has other parts than the one before.
func TestVersionsChangeWithTheSection(t *testing.T) {
	d := NewDecoder(plain)
	core := bpf.Core{Kind: bpf.KindFunction}
	meta, tuple := bpf.Meta{Len: 1}, bpf.Tuple{Network: uint8(event.IPv4)}
	versions := func() event.Versions {
		e, err := d.Decode(record(core, &meta, &tuple))
		if err != nil {
			t.Fatal(err)
		}
		return e.Raw.Versions
	}
	first := versions()
	if first.Meta == 0 || first.Tuple == 0 || first.Meta == first.Tuple || first.Tunnel != 0 {
		t.Errorf("first versions %+v", first)
	}
	meta.Len, core.Parts = 2, bpf.PartReason
	if got := versions(); got != first {
		t.Errorf("versions %+v of equal sections, want %+v", got, first)
	}
	meta.Mark = 1
	if got := versions(); got.Meta == first.Meta || got.Tuple != first.Tuple {
		t.Errorf("versions %+v, want a new one for Meta after %+v", got, first)
	}
}

// TestEveryMemberOfMetaIsCompared changes one after the other.
func TestEveryMemberOfMetaIsCompared(t *testing.T) {
	for field := range reflect.TypeFor[bpf.Meta]().Fields() {
		if field.Name == "_" || field.Name == "Pad" {
			continue
		}
		var a, b bpf.Meta
		switch v := reflect.ValueOf(&a).Elem().FieldByName(field.Name); v.Kind() {
		case reflect.Array:
			v.Index(v.Len() - 1).SetUint(1)
		default:
			v.SetUint(1)
		}
		if got, want := isSameButLen(&a, &b), field.Name == "Len"; got != want {
			t.Errorf("after a change of %s: %t, want %t", field.Name, got, want)
		}
	}
}
