// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"math/bits"
	"slices"
	"strings"

	"github.com/google/nftables/expr"
)

// lookup writes a look-up in a set or a verdict map.
func (p *printer) lookup(v *expr.Lookup) {
	s, elements, err := p.ask.set(v.SetName)
	if err != nil || v.IsDestRegSet && v.DestRegister != 0 {
		p.giveUp("lookup " + v.SetName)
		return
	}
	key := p.key(slot(v.SourceRegister), s.keySize)
	if key == nil {
		p.orUnknown(nil, "lookup")
		return
	}
	for _, o := range key {
		p.uses(o)
	}
	words := []string{key.name()}
	if v.IsDestRegSet {
		words = append(words, "vmap")
	}
	if v.Invert {
		words = append(words, "!=")
	}
	p.add(strings.Join(append(words, p.content(s, key, elements)), " "))
}

// content returns the name of a set, or the elements of an anonymous one.
func (p *printer) content(s *set, key operands, elements []element) string {
	if !s.anonymous {
		return "@" + s.name
	}
	if s.interval && len(key) == 1 {
		elements = intervals(elements)
	}
	less := func(a, b element) int {
		if a.catchAll != b.catchAll {
			return map[bool]int{true: 1, false: -1}[a.catchAll]
		}
		return bytes.Compare(key.ordered(a.key), key.ordered(b.key))
	}
	if !s.interval || len(key) == 1 { // nft prints intervals of concatenated keys in the kernel's order
		slices.SortStableFunc(elements, less)
	}
	if key.hasBitSets(elements) {
		p.complete = false
		return "{ ... }"
	}
	var texts []string
	for i, e := range elements {
		if p.ask.elements > 0 && i == p.ask.elements {
			texts = append(texts, "...")
			p.complete = false
			break
		}
		texts = append(texts, p.element(key, e))
	}
	return "{ " + strings.Join(texts, ", ") + " }"
}

// hasBitSets reports whether an element has several flags in its key. The order in which nft prints such elements is unknown.
func (key operands) hasBitSets(elements []element) bool {
	for _, e := range elements {
		for i, part := range key.split(e.key) {
			if key[i].kind.flags != nil && bits.OnesCount64(hostNumber(part)) > 1 {
				return true
			}
		}
	}
	return false
}

func (p *printer) element(key operands, e element) string {
	text := key.format(e)
	if e.catchAll {
		text = "*"
	}
	if e.verdict != nil {
		text += " : " + p.verdict(e.verdict)
	}
	return text
}

// operands are the parts of a key, more than one for a concatenation.
type operands []*operand

// key returns the parts of a key of size bytes that begins at a register, or nil if one is unknown.
func (p *printer) key(at, size int) operands {
	var key operands
	for taken := 0; taken < size; {
		o := p.registers[at]
		if o == nil || o.mask != nil || o.parts != nil || o.swapped || o.size < o.whole {
			return nil
		}
		key = append(key, o)
		taken += align(o.size)
		at += align(o.size) / 4
	}
	return key
}

func (key operands) name() string {
	var names []string
	for _, o := range key {
		names = append(names, o.name)
	}
	return strings.Join(names, " . ")
}

// split returns the parts of a value, each of which begins at a multiple of four bytes; nil if the value is too short.
func (key operands) split(value []byte) [][]byte {
	var parts [][]byte
	for _, o := range key {
		if len(value) < o.size {
			return nil
		}
		parts = append(parts, value[:o.size])
		value = value[min(align(o.size), len(value)):]
	}
	return parts
}

// ordered returns the bytes of a value by which nft sorts.
func (key operands) ordered(value []byte) (all []byte) {
	for i, part := range key.split(value) {
		all = append(all, key[i].kind.ordered(part)...)
	}
	return all
}

func (key operands) format(e element) string {
	var texts []string
	ends := key.split(e.end)
	for i, first := range key.split(e.key) {
		last := first
		if ends != nil {
			last = ends[i]
		}
		texts = append(texts, key[i].kind.between(first, last))
	}
	return strings.Join(texts, " . ")
}

// between returns the text of an interval, as a prefix if it is one.
func (t *valueType) between(first, last []byte) string {
	if bytes.Equal(first, last) {
		return t.format(first)
	}
	if length, ok := prefixOf(first, last); ok && t.isAddress {
		return t.format(first) + "/" + formatDecimal([]byte{byte(length)})
	}
	return t.format(first) + "-" + t.format(last)
}

// prefixOf returns the prefix length of an interval; ok is false if it is not a prefix.
func prefixOf(first, last []byte) (length int, ok bool) {
	mask := make([]byte, len(first))
	for i := range mask {
		differs := first[i] ^ last[i]
		if first[i]&differs != 0 || bits.OnesCount8(last[i]&differs) != bits.OnesCount8(differs) {
			return 0, false
		}
		mask[i] = ^differs
	}
	return prefixLength(mask)
}

// intervals returns the elements of an interval set with their ends. The kernel lists the first values of the intervals and
// of the gaps between them.
func intervals(elements []element) []element {
	var all []element
	if i := slices.IndexFunc(elements, func(e element) bool { return e.catchAll }); i >= 0 {
		all = append(all, elements[i])
		elements = slices.Delete(elements, i, i+1)
	}
	slices.SortStableFunc(elements, func(a, b element) int { return bytes.Compare(a.key, b.key) })
	for i, e := range elements {
		if e.intervalEnd {
			continue
		}
		e.end = bytes.Repeat([]byte{0xff}, len(e.key))
		if i+1 < len(elements) {
			e.end = before(elements[i+1].key)
		}
		all = append(all, e)
	}
	return all
}

// before returns a number in network order minus 1.
func before(key []byte) []byte {
	key = slices.Clone(key)
	for i := len(key) - 1; i >= 0; i-- {
		key[i]--
		if key[i] != 0xff {
			break
		}
	}
	return key
}
