// SPDX-License-Identifier: Apache-2.0

package capture

// maxTable is the number of entries at which a table is emptied. Reader and writer do this alike.
const maxTable = 1 << 15

// table numbers the values of one section in the order in which they first occur, so that an event refers to a value
// by its number. last is the value of the previous event.
type table[K comparable] struct {
	numbers map[K]uint32
	last    K
	any     bool
}

// The ways in which an event refers to a value, two bits each.
const (
	asBefore = 0 // the value of the previous event, or zero in the first
	numbered = 1 // a number follows
	defined  = 2 // the length of a stored event and the event follow, which has the new value
)

// refer returns how to refer to a value, and its number if it has one.
func (t *table[K]) refer(value K) (way uint64, number uint32) {
	if t.any && value == t.last {
		return asBefore, 0
	}
	t.last, t.any = value, true
	if n, ok := t.numbers[value]; ok {
		return numbered, n
	}
	if len(t.numbers) >= maxTable || t.numbers == nil {
		t.numbers = make(map[K]uint32)
	}
	t.numbers[value] = uint32(len(t.numbers))
	return defined, 0
}

// list has the values of one section by their numbers.
type list[V any] struct {
	values []V
	last   V
}

func (l *list[V]) define(value V) {
	if len(l.values) >= maxTable {
		l.values = l.values[:0]
	}
	l.values = append(l.values, value)
	l.last = value
}

// choose makes the value with a number the last one. It returns false if there is none.
func (l *list[V]) choose(number uint64) bool {
	if number >= uint64(len(l.values)) {
		return false
	}
	l.last = l.values[number]
	return true
}
