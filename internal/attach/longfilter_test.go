// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tracer/internal/bpf"
)

// TestALongFilterIsNamed checks that only errors of the verifier get the hint about a long filter.
func TestALongFilterIsNamed(t *testing.T) {
	refused := fmt.Errorf("load: %w", &ebpf.VerifierError{Cause: errors.New("too large")})
	long, short := make(asm.Instructions, longFilter), make(asm.Instructions, longFilter-1)
	for _, c := range []struct {
		err    error
		bodies bpf.Bodies
		want   bool
	}{
		{refused, bpf.Bodies{Filter: long}, true},
		{refused, bpf.Bodies{Filter: short, TunnelL3: long}, true},
		{refused, bpf.Bodies{Filter: short}, false},
		{errors.New("no memory"), bpf.Bodies{Filter: long}, false},
	} {
		err := explainLong(c.err, c.bodies)
		hinted, ok := err.(interface{ Hint() string })
		if ok != c.want || !errors.Is(err, c.err) || err.Error() != c.err.Error() {
			t.Errorf("%v: hint %v, want %v", err, ok, c.want)
		}
		if ok && !strings.Contains(hinted.Hint(), "4096 instructions") {
			t.Error(hinted.Hint())
		}
	}
}
