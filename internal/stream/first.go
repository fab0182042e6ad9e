// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"tracer/internal/bpf"
	"tracer/internal/event"
)

func decodeFirst(f *bpf.First, to *event.FirstTuple) {
	*to = event.FirstTuple{By: event.FirstBy(f.By)}
	if to.By != event.FirstUnknown {
		decodeTuple(&f.Tuple, &to.Tuple)
	}
}
