// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"cmp"
	"slices"

	"tracer/internal/event"
)

const (
	// mostReasons bounds the reasons that are counted separately. The kernel has about 120 and
	// subsystems add some; a number without a name can be any number.
	mostReasons = 1 << 10
	// OtherReasons is the name for all others.
	OtherReasons = "other"
)

// Reasons counts drops by the names of their reasons. The zero value is ready to use.
type Reasons map[string]uint64

// Add counts n drops for a reason.
func (r *Reasons) Add(name string, n uint64) {
	if *r == nil {
		*r = Reasons{}
	}
	if _, known := (*r)[name]; !known && len(*r) >= mostReasons {
		name = OtherReasons
	}
	(*r)[name] += n
}

// List returns the counts, the highest first.
func (r Reasons) List() []event.ReasonCount {
	var list []event.ReasonCount
	for name, n := range r {
		list = append(list, event.ReasonCount{Name: name, Count: n})
	}
	slices.SortFunc(list, func(a, b event.ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return list
}
