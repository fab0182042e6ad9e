// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"tracer/internal/bpf"
)

// longFilter is from how many instructions on a filter may be what the verifier refuses. Each
// kernel that was tested accepts a filter of 1,000 hosts, which has more.
const longFilter = 4096

// longFilterError is a program that the verifier refused, with a long filter in it.
type longFilterError struct {
	err          error
	instructions int
}

func (e *longFilterError) Error() string { return e.err.Error() }
func (e *longFilterError) Unwrap() error { return e.err }

// Hint is what to do if the filter is the reason.
func (e *longFilterError) Hint() string {
	return fmt.Sprintf("the filter has %d instructions, which may be more than this kernel's verifier accepts: networks and port ranges make it shorter", e.instructions)
}

// explainLong adds the length of the longest filter to what the verifier says.
func explainLong(err error, b bpf.Bodies) error {
	n := max(len(b.Filter), len(b.TunnelL2), len(b.TunnelL3))
	if refused := new(ebpf.VerifierError); n < longFilter || !errors.As(err, &refused) {
		return err
	}
	return &longFilterError{err, n}
}
