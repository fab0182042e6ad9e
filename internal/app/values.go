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

// copyOf prints copies of kernel objects of a type; nil where there is none.
func copyOf(t btf.Type) (func(raw []byte) event.Value, error) {
	if t == nil {
		return nil, nil
	}
	format, err := value.New(t)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", t.TypeName(), err)
	}
	object := &value.Object{Format: format}
	return func(raw []byte) event.Value {
		object.Raw = raw
		return object
	}, nil
}

// bitmapSize is the size in bytes of what tells which values could be read.
const bitmapSize = 8

// placed is the value of an expression, and where in the record it is.
type placed struct {
	value.Object
	at, size int
}

// valuesOf prints the values of expressions of the plan; nil where there are none.
// What it returns is good until it is called again.
func valuesOf(v plan.Values) (func(raw []byte) []event.NamedValue, error) {
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
		values[i] = placed{value.Object{Format: format}, v.At.Offsets[i], p.Size}
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
	unused := p.size - p.Format.Size()
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
		v.Raw = raw[v.at : v.at+v.size]
		named[i].Value = nil
		if read>>i&1 != 0 {
			named[i].Value = &v.Object
		}
	}
}
