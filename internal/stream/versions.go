// SPDX-License-Identifier: Apache-2.0

package stream

import "sync/atomic"

// versions gives numbers that are unique in the process. Several decoders may feed one sink, so each takes
// blocks of numbers from a common counter, which is atomic and so too slow for each number. The zero value is
// ready to use.
type versions struct{ last, end uint64 }

// versionBlock is the number of versions in a block.
const versionBlock = 1 << 20

// versionBlocks is the number of blocks that were taken.
var versionBlocks atomic.Uint64

// next returns a new number, never 0.
func (v *versions) next() uint64 {
	if v.last == v.end {
		v.end = versionBlocks.Add(1) * versionBlock
		v.last = v.end - versionBlock
	}
	v.last++
	return v.last
}
