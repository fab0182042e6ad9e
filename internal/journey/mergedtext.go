// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"slices"
	"strings"

	"tracer/internal/event"
)

// mergedText is the text that holds for all drops that are counted together. Values that differ are not those of the
// first drop: numbers become a range, a word that differs becomes the name of its key in capital letters, or the optional
// part that it is in is left out.
type mergedText struct {
	pieces []mergedPiece
	// known is set once a text was added.
	known bool
}

// mergedPiece is a piece of a text: the one with the smallest number, and the text of the largest number.
type mergedPiece struct {
	event.WhyPiece
	highest     uint64
	highestText string
	// differs is set for a word that is not the same for all drops.
	differs bool
}

// piecesOf returns the pieces of a text. A text that has none, since it was not made here, is one piece.
func piecesOf(w *event.Why) []event.WhyPiece {
	if len(w.Pieces) == 0 && w.Text != "" {
		return []event.WhyPiece{{Text: w.Text, Optional: true}}
	}
	return w.Pieces
}

// add merges the text of another drop.
func (m *mergedText) add(pieces []event.WhyPiece) {
	if m.known && m.has(pieces) {
		return
	}
	var other mergedText
	for _, p := range pieces {
		other.pieces = append(other.pieces, mergedPiece{WhyPiece: p, highest: p.Number, highestText: p.Text})
	}
	other.known = true
	m.merge(&other)
}

// has reports whether a text changes nothing.
func (m *mergedText) has(pieces []event.WhyPiece) bool {
	return slices.EqualFunc(m.pieces, pieces, func(a mergedPiece, b event.WhyPiece) bool {
		within := a.IsNumber && b.IsNumber && a.Number < b.Number && b.Number < a.highest
		return a.Key == b.Key && a.Part == b.Part && (within || a.differs || a.Text == b.Text && a.highestText == b.Text)
	})
}

// merge merges another text, part by part.
func (m *mergedText) merge(other *mergedText) {
	if !m.known {
		m.pieces, m.known = slices.Clone(other.pieces), other.known
		return
	}
	kept := m.pieces[:0]
	for rest := m.pieces; len(rest) > 0; {
		part := partAt(rest)
		rest = rest[len(part):]
		if mergePart(part, other.part(part[0].Part)) {
			kept = append(kept, part...)
		}
	}
	m.pieces = kept
}

// partAt returns the pieces of the part that the list begins with.
func partAt(pieces []mergedPiece) []mergedPiece {
	end := slices.IndexFunc(pieces, func(p mergedPiece) bool { return p.Part != pieces[0].Part })
	if end < 0 {
		end = len(pieces)
	}
	return pieces[:end]
}

// part returns the pieces of a part; nil if the text does not have it.
func (m *mergedText) part(number uint16) []mergedPiece {
	begin := slices.IndexFunc(m.pieces, func(p mergedPiece) bool { return p.Part == number })
	if begin < 0 {
		return nil
	}
	return partAt(m.pieces[begin:])
}

// mergePart merges a part into another one. It returns false if the part must be left out.
func mergePart(part, other []mergedPiece) bool {
	if len(part) != len(other) {
		return false
	}
	for i := range part {
		part[i].merge(&other[i])
		if part[i].differs && (part[i].Optional || part[i].Key == "") {
			return false
		}
	}
	return true
}

func (p *mergedPiece) merge(other *mergedPiece) {
	if !p.IsNumber || !other.IsNumber || strings.HasPrefix(p.Text, "-") || strings.HasPrefix(other.Text, "-") {
		p.differs = p.differs || other.differs || p.Text != other.Text || p.highestText != other.highestText
		return
	}
	p.differs = p.differs || other.differs
	if other.Number < p.Number {
		p.Number, p.Text = other.Number, other.Text
	}
	if other.highest > p.highest {
		p.highest, p.highestText = other.highest, other.highestText
	}
}

// text returns the text, such as `129 to 140 of 128`.
func (m *mergedText) text() string {
	var b strings.Builder
	for _, p := range m.pieces {
		switch {
		case p.differs:
			b.WriteString(placeholder(p.Key))
		case p.highestText != p.Text:
			b.WriteString(p.Text + " to " + p.highestText)
		default:
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// placeholder is a word like those in manual pages: DST for way.dst, dst4 and dst6.
func placeholder(key string) string {
	return strings.ToUpper(strings.TrimRight(key[strings.LastIndex(key, ".")+1:], "46"))
}
