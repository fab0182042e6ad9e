// SPDX-License-Identifier: Apache-2.0

package live

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/endian"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/plan"
	"tracer/internal/printable"
	"tracer/internal/value"
)

// Forms are the forms in which the sinks print values.
type Forms struct{ Text, JSON bool }

// formats sets the functions that format the values of the plan's events.
func formats(f Forms, p *plan.Plan, o *enrich.Options) (err error) {
	if o.SkbFormat, err = copyOf(p.Skb, f); err != nil {
		return err
	}
	if o.SharedFormat, err = copyOf(p.Shared, f); err != nil {
		return err
	}
	if o.Values, err = valuesOf(p.Values, f); err != nil {
		return err
	}
	o.XDPValues, err = valuesOf(p.XDPValues, f)
	return err
}

// formattedValue is a value, with memory that is reused for the value of the next event.
type formattedValue struct {
	forms  Forms
	format *value.Format
	value  event.Value
}

// lines formats a kernel object.
func (v *formattedValue) lines(raw []byte) *event.Value {
	if v.forms.Text {
		v.value.Text = v.format.AppendLines(v.value.Text[:0], raw, 0)
	}
	return v.json(raw)
}

// word formats the value of an expression.
func (v *formattedValue) word(raw []byte) *event.Value {
	if v.forms.Text {
		v.value.Text = v.format.AppendText(v.value.Text[:0], raw)
	}
	return v.json(raw)
}

func (v *formattedValue) json(raw []byte) *event.Value {
	if v.forms.JSON {
		v.value.JSON = v.format.AppendJSON(v.value.JSON[:0], raw)
	}
	return &v.value
}

// copyOf returns a function that formats copies of kernel objects of a type; nil if t is nil.
func copyOf(t btf.Type, f Forms) (func(raw []byte) *event.Value, error) {
	if t == nil {
		return nil, nil
	}
	format, err := value.New(t)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", t.TypeName(), err)
	}
	return (&formattedValue{forms: f, format: format}).lines, nil
}

// bitmapSize is the size in bytes of the bitmap of the values that could be read.
const bitmapSize = 8

// recordedValue is the value of an expression, with its offset and size in the record.
type recordedValue struct {
	formattedValue
	at, size int
}

// valuesOf returns a function that formats the values of expressions of the plan; nil if there are none. The
// function's result is valid until its next call.
func valuesOf(v plan.Values, f Forms) (func(raw []byte) []event.NamedValue, error) {
	if len(v.Programs) == 0 {
		return nil, nil
	}
	values := make([]recordedValue, len(v.Programs))
	named := make([]event.NamedValue, len(v.Programs))
	for i, p := range v.Programs {
		format, err := value.NewValue(p.Type, p.String)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.What, printable.Quote(p.Text), err)
		}
		values[i] = recordedValue{formattedValue{forms: f, format: format}, v.At.Offsets[i], p.Size}
		if isNumber(p.Type) && !p.String {
			values[i].narrow(endian.Big)
		}
		named[i].Name = p.Text
	}
	return func(raw []byte) []event.NamedValue {
		formatAll(named, values, raw)
		return named
	}, nil
}

// isNumber reports whether values of the type are computed, and so have eight bytes in the record.
func isNumber(t btf.Type) bool {
	switch btf.UnderlyingType(t).(type) {
	case *btf.Int, *btf.Enum, *btf.Pointer:
		return true
	}
	return false
}

// narrow reduces a number of eight bytes to the bytes of its type: the last ones on a big-endian machine.
func (v *recordedValue) narrow(big bool) {
	unused := v.size - v.format.Size()
	if big {
		v.at += unused
	}
	v.size -= unused
}

// formatAll formats the values in a record, which begins with the bitmap of those that could be read.
func formatAll(named []event.NamedValue, values []recordedValue, raw []byte) {
	read := binary.LittleEndian.Uint64(raw[:bitmapSize]) // the first eight are in the first byte
	for i := range values {
		v := &values[i]
		named[i].Value = nil
		if read>>i&1 != 0 {
			named[i].Value = v.word(raw[v.at : v.at+v.size])
		}
	}
}
