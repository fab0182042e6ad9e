// SPDX-License-Identifier: Apache-2.0

package event

import "slices"

// UnknownCause is the cause of a drop that no cause of the table explains.
const UnknownCause = "unknown"

// Why is the cause of a drop.
type Why struct {
	// Cause is the stable identifier of the cause, such as rp-filter, or UnknownCause.
	Cause string `cbor:"1,keyasint,omitzero"`
	// Text explains the drop in words. Remedy is what the user can do; it may be empty.
	Text   string `cbor:"2,keyasint,omitzero"`
	Remedy string `cbor:"3,keyasint,omitzero"`
	// Values are the values that the explanation rests on. With UnknownCause, they are all values that were
	// read.
	Values []Fact `cbor:"4,keyasint,omitzero"`
	// Evidence has the names of the functions whose calls decided about the packet, and of the function that
	// dropped it.
	Evidence []string `cbor:"5,keyasint,omitzero"`
	// Silent means that the kernel reports no drop: the packet ended without one, as a function showed.
	Silent bool `cbor:"6,keyasint,omitzero"`
}

func (w *Why) clone() *Why {
	c := copied(w)
	if c != nil {
		c.Values, c.Evidence = cloneFacts(w.Values), slices.Clone(w.Evidence)
	}
	return c
}
