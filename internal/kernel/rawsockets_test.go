// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestRawSocketsAreFound checks that the addresses are in kernel memory, and the same each time.
func TestRawSocketsAreFound(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	first, second := findRawSockets(types), findRawSockets(types)
	if first != second || first.IPv4>>63 == 0 || first.IPv4 == first.IPv6 {
		t.Errorf("%#x, then %#x", first, second)
	}
}
