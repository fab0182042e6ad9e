// SPDX-License-Identifier: Apache-2.0

// Package result decodes the return values of kernel functions. It uses the return type, what the
// whole prototype says about the function (such as a netfilter hook), and for some functions the name.
package result

import (
	"strconv"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

// Meaning decodes the results of one function.
type Meaning struct {
	result kernel.Result
	// name names values that the type has no name for; it may be nil.
	name func(value int64) string
}

// Of returns the meaning of the results of f.
func Of(f kernel.Function) Meaning {
	m := Meaning{result: f.Result}
	switch f.Result.Class {
	case kernel.Signed, kernel.Unsigned:
		m.name = namesOf(f)
	case kernel.Pointer:
		m.name = pointer
	case kernel.Bool:
		m.name = truth
	}
	return m
}

// OfProgram returns the meaning of the results of BPF programs of a kind.
func OfProgram(k *kernel.ProgramKind) Meaning {
	return Meaning{
		result: kernel.Result{Class: kernel.Signed, Size: 4},
		name:   func(value int64) string { return k.Verdicts[int32(value)] },
	}
}

// Read decodes the result from the value of the return register.
func (m Meaning) Read(register uint64) event.Result {
	r := event.Result{Class: classes[m.result.Class]}
	if r.Class == event.NoResult {
		return r
	}
	r.Value = m.cut(register)
	if name, ok := m.result.Names[int64(r.Value)]; ok {
		r.Name = name
	} else if m.name != nil {
		r.Name = m.name(int64(r.Value))
	}
	return r
}

var classes = map[kernel.Class]event.ResultClass{
	kernel.Signed:   event.SignedResult,
	kernel.Unsigned: event.UnsignedResult,
	kernel.Bool:     event.UnsignedResult,
	kernel.Pointer:  event.PointerResult,
}

// cut extracts the bits of the result; the upper bits of the register are undefined.
func (m Meaning) cut(register uint64) uint64 {
	unused := 64 - 8*uint(m.result.Size)
	if m.result.Class == kernel.Signed {
		return uint64(int64(register<<unused) >> unused)
	}
	return register << unused >> unused
}

func truth(value int64) string { return strconv.FormatBool(value != 0) }

// pointer names NULL and errors (ERR_PTR). Addresses have no name.
func pointer(value int64) string {
	if value == 0 {
		return "NULL"
	}
	return errno(value)
}
