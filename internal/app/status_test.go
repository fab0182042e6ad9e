// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"fmt"
	"testing"
)

func TestStatus(t *testing.T) {
	for terminal, want := range map[bool]string{
		false: "a message\nthe last\nanother\n",
		true:  "\r\x1b[Kreading\r\x1b[Kattaching 1\r\x1b[Ka message\nattaching 1\r\x1b[Kthe last\nattaching 1\r\x1b[Kanother\n",
	} {
		var out bytes.Buffer
		s := status{w: &out, terminal: terminal}
		s.clear()
		s.show("reading")
		s.show("attaching %d", 1)
		fmt.Fprintln(&s, "a message")
		fmt.Fprintln(&s, "the last")
		s.clear()
		s.clear()
		fmt.Fprintln(&s, "another")
		if out.String() != want {
			t.Errorf("on a terminal %t: %q, want %q", terminal, out.String(), want)
		}
	}
}
