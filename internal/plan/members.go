// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"reflect"
	"strings"

	"tracer/internal/explain"
	"tracer/internal/lookup"
)

// knownBitmap is the first member of a struct of values: the bitmap of the others, in their order.
const knownBitmap = "Known"

// placeMembers returns the positions of values that the BPF programs write into a struct, whose members have the names of the
// keys. A value without a member is a fault in the table, which a panic reports.
func placeMembers[Struct any](reads []explain.Read) []lookup.FieldSlots {
	slots := map[string]lookup.Slot{}
	of := reflect.TypeFor[Struct]()
	first, _ := of.FieldByName(knownBitmap)
	for i := first.Index[0] + 1; i < of.NumField(); i++ {
		m := of.Field(i)
		slots[strings.ToLower(m.Name)] = lookup.Slot{Number: i - first.Index[0] - 1, At: int(m.Offset), Size: int(m.Type.Size())}
	}
	placed := make([]lookup.FieldSlots, len(reads))
	for i, r := range reads {
		slot, found := slots[strings.ReplaceAll(r.Key, "_", "")]
		if !found {
			panic(of.Name() + " has no member for the value " + r.Key)
		}
		placed[i].Values = []lookup.Slot{slot}
	}
	return placed
}
