// SPDX-License-Identifier: Apache-2.0

package event

// Lookup is what a function looked up for a packet, and what it found.
type Lookup struct {
	// Kind is what was looked for, as in route; empty where nothing was.
	Kind string
	// Asked is the key, Found what is known of what was found.
	Asked, Found []Fact
	// Missing says that there is no such thing, and Error why, where the kernel tells.
	Missing bool
	Error   string
	// Unknown says that it could not be read whether there is.
	Unknown bool
}

// Fact is one thing that is known.
type Fact struct {
	Key  string
	Kind FactKind
	// Text is the value for people, of words with a | between them.
	Text   []byte
	Number uint64
	// Usual says that it is a number which says nothing new while it is zero.
	Usual bool
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
