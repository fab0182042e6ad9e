// SPDX-License-Identifier: Apache-2.0

package cli

import "testing"

func TestFlagsWith(t *testing.T) {
	names := []string{"drop", "drop-x", "x-skb", "x-a", "out-1", "out-2", "out-3", "out-4", "out-5", "out-6", "out-7"}
	for word, want := range map[string]string{
		"x":   "flags that begin with it: --x-a, --x-skb",
		"out": "flags that begin with it: --out-1, --out-2, --out-3, --out-4, --out-5, --out-6, …: `tracer --help` lists all",
		"ou":  "", "drop": "", "": "",
	} {
		if got := flagsWith(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
