// SPDX-License-Identifier: Apache-2.0

package event

import "slices"

const (
	// UnknownCause is the cause of a drop that no cause of the table explains.
	UnknownCause = "unknown"
	// OtherCauses is the cause in a [CauseCount] of the drops that are not counted separately.
	OtherCauses = "other"
)

// Why is the cause of a drop, with its explanation.
type Why struct {
	// Cause is the stable identifier of the cause, such as rp-filter, or UnknownCause.
	Cause string `cbor:"1,keyasint,omitzero"`
	// Text explains the drop in words. Remedy is what the user can do; it may be empty.
	Text   string `cbor:"2,keyasint,omitzero"`
	Remedy string `cbor:"3,keyasint,omitzero"`
	// Values are the values that the cause depends on, and those in Text. With UnknownCause, they are all values that
	// were read.
	Values []Fact `cbor:"4,keyasint,omitzero"`
	// Evidence has the names of the functions whose calls decided about the packet, and of the function that
	// dropped it.
	Evidence []string `cbor:"5,keyasint,omitzero"`
	// Silent is set if the kernel consumed the packet without reporting a drop.
	Silent bool `cbor:"6,keyasint,omitzero"`
	// Group separates drops with the same cause in the counts by cause, such as those of different rules. It may be empty.
	Group string `cbor:"7,keyasint,omitzero"`
	// Pieces are Text in pieces, so that the texts of several drops can be merged.
	Pieces []WhyPiece `cbor:"8,keyasint,omitzero"`
}

// WhyPiece is a piece of the text of a cause.
type WhyPiece struct {
	Text string `cbor:"1,keyasint,omitzero"`
	// Key is the key of the value that Text has; empty for words that are the same for all drops with the cause. Number is
	// the value if IsNumber is set.
	Key      string `cbor:"2,keyasint,omitzero"`
	Number   uint64 `cbor:"3,keyasint,omitzero"`
	IsNumber bool   `cbor:"4,keyasint,omitzero"`
	// Part numbers the part of the text that the piece belongs to. A part can be left out if Optional is set.
	Part     uint16 `cbor:"5,keyasint,omitzero"`
	Optional bool   `cbor:"6,keyasint,omitzero"`
}

// CauseCount counts the drops with a cause and the same group, or those with UnknownCause and the same reason.
type CauseCount struct {
	Cause string `cbor:"1,keyasint,omitzero"`
	// Reason is the drop reason, only with UnknownCause. It is empty if the kernel reported none.
	Reason string `cbor:"2,keyasint,omitzero"`
	Count  uint64 `cbor:"3,keyasint,omitzero"`
	// Text has the values of the printed drops, with ranges of those that differ. Tuple is from the first of them. Both are
	// empty with OtherCauses.
	Text  string `cbor:"4,keyasint,omitzero"`
	Tuple Tuple  `cbor:"5,keyasint,omitzero"`
	// Groups is the number of groups that are counted together; 0 if they were too many to be counted.
	Groups uint64 `cbor:"6,keyasint,omitzero"`
}

// IsDrop reports whether the packet ends at this event without being delivered, even if the kernel reports no drop.
func (e *Event) IsDrop() bool { return e.Drop.Dropped || e.Why != nil && e.Why.Silent }

func (w *Why) clone() *Why {
	c := copied(w)
	if c != nil {
		c.Values, c.Evidence, c.Pieces = cloneFacts(w.Values), slices.Clone(w.Evidence), slices.Clone(w.Pieces)
	}
	return c
}
