// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/result"
)

// results decode the return values of functions, by the addresses of the functions.
type results map[uint64]result.Meaning

func newResults(functions []kernel.Function) results {
	meanings := make(results, len(functions))
	for _, f := range functions {
		meanings[f.Addr] = result.Of(f)
	}
	return meanings
}

func (r results) read(addr, register uint64) event.Result { return r[addr].Read(register) }
