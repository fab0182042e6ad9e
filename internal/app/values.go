// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/endian"
	"tracer/internal/event"
	"tracer/internal/expr"
	"tracer/internal/plan"
	"tracer/internal/value"
)

// exprTypes are the types that expressions are about, nil where there are none, or
// where the user says where types are.
func exprTypes(cfg Config) (expr.Types, error) {
	asked := cfg.Plan.SkbExpr != "" || cfg.Plan.XDPExpr != "" || len(cfg.Plan.Record.Values)+len(cfg.Plan.Record.XDPValues)+len(cfg.Plan.Lookups) > 0
	if !asked || cfg.Kernel.BTFFile != "" {
		return nil, nil
	}
	return expr.LoadKernel()
}

// forms are those in which the outputs print values.
type forms struct{ text, json bool }

func formsOf(cfg Config) forms { return forms{text: !cfg.Output.JSON, json: cfg.Output.JSON} }

// formattedValue is a value, with memory that is reused for that of the next event.
type formattedValue struct {
	forms  forms
	format *value.Format
	value  event.Value
}

// lines formats a kernel object.
func (v *formattedValue) lines(raw []byte) *event.Value {
	if v.forms.text {
		v.value.Text = v.format.AppendLines(v.value.Text[:0], raw, 0)
	}
	return v.json(raw)
}

// word formats the value of an expression.
func (v *formattedValue) word(raw []byte) *event.Value {
	if v.forms.text {
		v.value.Text = v.format.AppendText(v.value.Text[:0], raw)
	}
	return v.json(raw)
}

func (v *formattedValue) json(raw []byte) *event.Value {
	if v.forms.json {
		v.value.JSON = v.format.AppendJSON(v.value.JSON[:0], raw)
	}
	return &v.value
}

// copyOf formats copies of kernel objects of a type; nil if t is nil.
func copyOf(t btf.Type, f forms) (func(raw []byte) *event.Value, error) {
	if t == nil {
		return nil, nil
	}
	format, err := value.New(t)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", t.TypeName(), err)
	}
	return (&formattedValue{forms: f, format: format}).lines, nil
}

// bitmapSize is the size in bytes of what tells which values could be read.
const bitmapSize = 8

// placed is the value of an expression, and where in the record it is.
type placed struct {
	formattedValue
	at, size int
}

// valuesOf formats the values of expressions of the plan; nil if there are none.
// What it returns is valid until the next call.
func valuesOf(v plan.Values, f forms) (func(raw []byte) []event.NamedValue, error) {
	if len(v.Programs) == 0 {
		return nil, nil
	}
	values := make([]placed, len(v.Programs))
	named := make([]event.NamedValue, len(v.Programs))
	for i, p := range v.Programs {
		format, err := value.NewValue(p.Type, p.String)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", p.What, p.Text, err)
		}
		values[i] = placed{formattedValue{forms: f, format: format}, v.At.Offsets[i], p.Size}
		if isNumber(p.Type) && !p.String {
			values[i].narrow(endian.Big)
		}
		named[i].Name = p.Text
	}
	return func(raw []byte) []event.NamedValue {
		takeOut(named, values, raw)
		return named
	}, nil
}

// isNumber tells the types whose values were computed, and lie there with eight bytes.
func isNumber(t btf.Type) bool {
	switch btf.UnderlyingType(t).(type) {
	case *btf.Int, *btf.Enum, *btf.Pointer:
		return true
	}
	return false
}

// narrow leaves a number the bytes that its type has: the last of the eight where the first
// one has the highest bits.
func (p *placed) narrow(big bool) {
	unused := p.size - p.format.Size()
	if big {
		p.at += unused
	}
	p.size -= unused
}

// takeOut takes the values out of a record, which begins with the bits that tell
// which of them could be read.
func takeOut(named []event.NamedValue, values []placed, raw []byte) {
	read := binary.LittleEndian.Uint64(raw[:bitmapSize]) // the first eight are in the first byte
	for i := range values {
		v := &values[i]
		named[i].Value = nil
		if read>>i&1 != 0 {
			named[i].Value = v.word(raw[v.at : v.at+v.size])
		}
	}
}
