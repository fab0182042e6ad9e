// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/explain"
	"tracer/internal/lookup"
)

// TestPlaceMembers checks the positions and the bits of values, and that a value without a member is reported.
func TestPlaceMembers(t *testing.T) {
	type values struct {
		_           struct{}
		Known       [8]uint8
		Handle      uint64
		Table       [40]uint8
		TableHandle uint64
	}
	got := placeMembers[values]([]explain.Read{{Key: "table_handle"}, {Key: "handle"}, {Key: "table"}})
	want := []lookup.FieldSlots{
		{Values: []lookup.Slot{{Number: 2, At: 56, Size: 8}}}, {Values: []lookup.Slot{{Number: 0, At: 8, Size: 8}}}, {Values: []lookup.Slot{{Number: 1, At: 16, Size: 40}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	defer func() {
		if fault, want := recover(), "values has no member for the value chain"; fault != want {
			t.Errorf("%v, want %q", fault, want)
		}
	}()
	placeMembers[values]([]explain.Read{{Key: "chain"}})
}
