// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"tracer/internal/bpf"
)

// longFilter is the minimum number of instructions of a filter whose length may be the reason why the verifier
// rejects a program. All tested kernels accept a filter of 1,000 hosts, which is longer.
const longFilter = 4096

// longFilterError means that the verifier rejected a program that contains a long filter.
type longFilterError struct {
	err          error
	instructions int
}

func (e *longFilterError) Error() string { return e.err.Error() }
func (e *longFilterError) Unwrap() error { return e.err }

// Hint returns how to shorten the filter.
func (e *longFilterError) Hint() string {
	return fmt.Sprintf("the filter has %d instructions, which may be more than this kernel's verifier accepts: networks and port ranges make it shorter", e.instructions)
}

// explainLong adds a hint to an error of the verifier if one of the filters is long.
func explainLong(err error, b bpf.Bodies) error {
	n := max(len(b.Filter), len(b.TunnelL2), len(b.TunnelL3))
	if refused := new(ebpf.VerifierError); n < longFilter || !errors.As(err, &refused) {
		return err
	}
	return &longFilterError{err, n}
}
