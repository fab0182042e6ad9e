// SPDX-License-Identifier: Apache-2.0

package plan

import "tracer/internal/kernel"

// SelectsDrops reports whether the drop tracepoint is among the functions and tracepoints that match only, and not
// never. Both are as in [Options.Func].
func SelectsDrops(only, never string) (bool, error) {
	wanted, err := newFuncFilter(only, never)
	if err != nil {
		return false, err
	}
	return wanted.tracepoint(kernel.Tracepoint{Name: dropTracepoint}, true), nil
}
