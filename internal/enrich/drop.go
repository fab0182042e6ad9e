// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"maps"
	"strconv"
)

// unknownReasonsMost bounds the cached numbers without a name. Subsystems use the upper half of the number,
// so any number is possible.
const unknownReasonsMost = 1 << 10

// reasons are the names of drop reasons.
type reasons struct {
	names map[uint32]string
	room  int // how many more numbers may be cached
}

func newReasons(names map[uint32]string) reasons {
	own := make(map[uint32]string, len(names))
	maps.Copy(own, names)
	return reasons{own, unknownReasonsMost}
}

// name returns the name of a reason, or its number if this kernel has no name for it.
func (r *reasons) name(reason uint32) string {
	if name, ok := r.names[reason]; ok {
		return name
	}
	name := strconv.FormatUint(uint64(reason), 10)
	if r.room > 0 {
		r.room--
		r.names[reason] = name
	}
	return name
}

// Reason returns the name of a drop reason, as in events, or its number if the kernel has no name for it.
func (r *Enricher) Reason(reason uint32) string { return r.reasons.name(reason) }

// isNoReason reports whether a reason means no drop: consumed packets also pass through functions that
// take a reason.
func isNoReason(name string) bool {
	switch name {
	case "SKB_NOT_DROPPED_YET", "SKB_CONSUMED", "SKB_DROP_REASON_NOT_SPECIFIED":
		return true
	}
	return false
}
