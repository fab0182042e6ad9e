// SPDX-License-Identifier: Apache-2.0

package event

// Lookup is what a function looked up for a packet, and what it found.
type Lookup struct {
	// Kind is what was looked for, as in route; empty where nothing was.
	Kind string `cbor:"1,keyasint,omitzero"`
	// Asked is the key, Found what is known of what was found.
	Asked []Fact `cbor:"2,keyasint,omitzero"`
	Found []Fact `cbor:"3,keyasint,omitzero"`
	// Missing says that there is no such thing, and Error why, where the kernel tells.
	Missing bool   `cbor:"4,keyasint,omitzero"`
	Error   string `cbor:"5,keyasint,omitzero"`
	// Unknown says that it could not be read whether there is.
	Unknown bool `cbor:"6,keyasint,omitzero"`
}

// Fact is one thing that is known.
type Fact struct {
	Key  string   `cbor:"1,keyasint,omitzero"`
	Kind FactKind `cbor:"2,keyasint,omitzero"`
	// Text is the value for people, of words with a | between them.
	Text   []byte `cbor:"3,keyasint,omitzero"`
	Number uint64 `cbor:"4,keyasint,omitzero"`
	// Usual says that it is a number which says nothing new while it is zero.
	Usual bool `cbor:"5,keyasint,omitzero"`
}

// FactKind is what a value is.
type FactKind uint8

const (
	// Unread could not be read.
	Unread FactKind = iota
	// WordFact is a text, WordsFact a list of them, NumberFact a number.
	WordFact
	WordsFact
	NumberFact
)
