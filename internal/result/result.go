// SPDX-License-Identifier: Apache-2.0

// Package result says what the number means that a kernel function returned: by
// the type that its prototype gives, by the kind of function that the prototype
// is of, and for some by name.
package result

import (
	"strconv"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

// Meaning is how the results of one function are to be read.
type Meaning struct {
	result kernel.Result
	// name is for what the type itself has no name for; nil is none.
	name func(value int64) string
}

// Of is the meaning of what f returns.
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

// OfProgram is the meaning of what BPF programs of a kind return.
func OfProgram(k *kernel.ProgramKind) Meaning {
	return Meaning{
		result: kernel.Result{Class: kernel.Signed, Size: 4},
		name:   func(value int64) string { return k.Verdicts[int32(value)] },
	}
}

// Read takes what the register held.
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

// cut takes the bits that belong to the result; what is above them is anything.
func (m Meaning) cut(register uint64) uint64 {
	unused := 64 - 8*uint(m.result.Size)
	if m.result.Class == kernel.Signed {
		return uint64(int64(register<<unused) >> unused)
	}
	return register << unused >> unused
}

func truth(value int64) string { return strconv.FormatBool(value != 0) }

// pointer names what is no address: NULL, and the errors that pointers carry.
func pointer(value int64) string {
	if value == 0 {
		return "NULL"
	}
	return errno(value)
}
