// SPDX-License-Identifier: Apache-2.0

package event

// Value is a kernel object or the value of an expression, formatted by its BTF type in the forms that
// the outputs need. It is readable without the type, on any machine. A form that was not needed is nil.
type Value struct {
	// Text is one word for the value of an expression, and lines for a kernel object. The last line has no
	// line break.
	Text []byte `cbor:"1,keyasint,omitzero"`
	// JSON is one JSON value.
	JSON []byte `cbor:"2,keyasint,omitzero"`
}

// NamedValue is the value of an expression. Value is nil if it could not be read.
type NamedValue struct {
	Name  string `cbor:"1,keyasint,omitzero"`
	Value *Value `cbor:"2,keyasint,omitzero"`
}
