// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"fmt"
	"testing"
)

func TestStatus(t *testing.T) {
	for terminal, want := range map[bool]string{
		false: "a message\nanother\n",
		true:  "\r\x1b[Kreading\r\x1b[Kattaching 1\r\x1b[Ka message\nanother\n\r\x1b[Kattaching 2\r\x1b[K",
	} {
		var out bytes.Buffer
		s := status{w: &out, terminal: terminal}
		s.clear()
		s.show("reading")
		s.show("attaching %d", 1)
		fmt.Fprintln(&s, "a message")
		fmt.Fprintln(&s, "another")
		s.show("attaching %d", 2)
		s.clear()
		s.clear()
		if out.String() != want {
			t.Errorf("on a terminal %t: %q, want %q", terminal, out.String(), want)
		}
	}
}
