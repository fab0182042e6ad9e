// SPDX-License-Identifier: Apache-2.0

package cli

import "testing"

func TestFlagsWith(t *testing.T) {
	names := []string{"drop", "drop-x", "x-skb", "x-a", "out-1", "out-2", "out-3", "out-4", "out-5", "out-6", "out-7", "trace-tc", "track-skb"}
	for word, want := range map[string]string{
		"x":    "flags that begin with it: --x-a, --x-skb",
		"out":  "flags that begin with it: --out-1, --out-2, --out-3, --out-4, --out-5, --out-6, …: `tracer --help` lists all",
		"trac": "flags that begin with it: --trace-tc, --track-skb", "trace-t": "", "track": "flags that begin with it: --track-skb", "tra": "",
		"ou": "", "drop": "", "": "",
	} {
		if got := flagsWith(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
