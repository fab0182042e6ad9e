// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"tracer/internal/event"
	"tracer/internal/lookup"
)

// Value is a value that was read. A key without a value is unknown.
type Value struct {
	Kind event.FactKind
	// Number is the first value of the form, if that is a number: conditions use it.
	Number uint64
	Text   string
}

// Values are the known values by key. Keys of a decision begin with its name and a dot.
type Values map[string]Value

// number returns the number of a value, for [expr.Formula.Eval].
func (v Values) number(key string) (uint64, bool) {
	value, known := v[key]
	return value.Number, known
}

// Value returns the value from the bytes of the form's values.
func (r *Read) Value(raw []lookup.Value) Value {
	v := Value{Kind: r.Form.Kind(), Text: string(r.Form.Append(nil, raw))}
	if len(raw[0]) == 8 {
		v.Number = raw[0].Number()
	}
	return v
}
