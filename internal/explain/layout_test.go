// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"
	"testing"

	"tracer/internal/lookup"
)

// TestConditionalValue checks that a value with a condition is known only if the condition could be read and is not zero.
func TestConditionalValue(t *testing.T) {
	p := placement{
		Placement: &Placement{Placed: []lookup.FieldSlots{{Where: []lookup.Slot{{Number: 0, At: 8, Size: 8}}, Values: []lookup.Slot{{Number: 1, At: 16, Size: 8}}}}},
		prefix:    "replay.", reads: []Read{where("x->replay_esn", num("newest", "x->replay_esn->seq"))},
	}
	for name, test := range map[string]struct {
		bits      byte
		condition uint64
		want      bool
	}{
		"all known": {0b11, 5, true}, "condition is zero": {0b11, 0, false}, "condition unknown": {0b10, 5, false}, "value unknown": {0b01, 5, false},
	} {
		raw := []byte{test.bits, 0, 0, 0, 0, 0, 0, 0}
		raw = binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(raw, test.condition), 7)
		values := Values{}
		values.add(&p, raw, nil)
		if v, known := values["replay.newest"]; known != test.want || known && v.Number != 7 {
			t.Errorf("%s: %+v, known %v", name, v, known)
		}
	}
}
