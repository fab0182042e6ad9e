// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"

	"tracer/internal/bpf"
)

// Hidden returns the number of benign drops that were counted and not emitted, by reason. It omits reasons
// without such drops.
func (s *Session) Hidden() (map[uint32]uint64, error) {
	hidden := map[uint32]uint64{}
	var reason uint32
	var b bpf.Benign
	reasons := s.collection.Maps[bpf.MapBenign].Iterate()
	for reasons.Next(&reason, &b) {
		if b.Hidden > 0 {
			hidden[reason] = b.Hidden
		}
	}
	if err := reasons.Err(); err != nil {
		return nil, fmt.Errorf("counters of hidden drops: %w", err)
	}
	return hidden, nil
}
