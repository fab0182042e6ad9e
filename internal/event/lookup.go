// SPDX-License-Identifier: Apache-2.0

package event

// Lookup is what a function looked up for a packet, and what it found.
type Lookup struct {
	// Kind is the kind of look-up, such as route; empty if the event is no look-up.
	Kind string `cbor:"1,keyasint,omitzero"`
	// Asked is the key, Found describes the result.
	Asked []Fact `cbor:"2,keyasint,omitzero"`
	Found []Fact `cbor:"3,keyasint,omitzero"`
	// Missing means that nothing was found. Error is the reason, if the kernel reports one.
	Missing bool   `cbor:"4,keyasint,omitzero"`
	Error   string `cbor:"5,keyasint,omitzero"`
	// Unknown means that the result could not be read.
	Unknown bool `cbor:"6,keyasint,omitzero"`
}

// Fact is one named value of a key or a result.
type Fact struct {
	Key  string   `cbor:"1,keyasint,omitzero"`
	Kind FactKind `cbor:"2,keyasint,omitzero"`
	// Text is the value as in text output. For WordsFact, | separates the words.
	Text   []byte `cbor:"3,keyasint,omitzero"`
	Number uint64 `cbor:"4,keyasint,omitzero"`
	// Usual means that the value is a number whose usual value is zero, which is not shown.
	Usual bool `cbor:"5,keyasint,omitzero"`
}

// FactKind is the type of a value.
type FactKind uint8

const (
	// Unread is a value that could not be read.
	Unread FactKind = iota
	// WordFact is a text, WordsFact a list of them, NumberFact a number.
	WordFact
	WordsFact
	NumberFact
)
