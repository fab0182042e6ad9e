// SPDX-License-Identifier: Apache-2.0

package column

import (
	"fmt"
	"testing"
)

func TestAppendHex16(t *testing.T) {
	for n := range 1 << 16 {
		if got, want := string(appendHex16(nil, uint16(n))), fmt.Sprintf("0x%04x", n); got != want {
			t.Fatalf("%d is %q, want %q", n, got, want)
		}
	}
}
