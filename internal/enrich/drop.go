// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"maps"
	"strconv"
)

// unknownReasonsMost bounds the numbers kept as words: subsystems use the
// number's upper half, so that there are more numbers than reasons.
const unknownReasonsMost = 1 << 10

// reasons name why packets were dropped.
type reasons struct {
	names map[uint32]string
	room  int
}

func newReasons(names map[uint32]string) reasons {
	own := make(map[uint32]string, len(names))
	maps.Copy(own, names)
	return reasons{own, unknownReasonsMost}
}

// name is the reason's, or its number where this kernel told no name.
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

// Reason is the name of a drop reason, as in events; its number if the kernel has no name for it.
func (r *Enricher) Reason(reason uint32) string { return r.reasons.name(reason) }

// isNoReason says that a function was handed a reason that says nothing: packets
// that are merely used up pass through functions that ask for one.
func isNoReason(name string) bool {
	switch name {
	case "SKB_NOT_DROPPED_YET", "SKB_CONSUMED", "SKB_DROP_REASON_NOT_SPECIFIED":
		return true
	}
	return false
}
