// SPDX-License-Identifier: Apache-2.0

package value

import "testing"

// TestObjectIsUsedAgain has one object print the bytes of two events.
func TestObjectIsUsedAgain(t *testing.T) {
	o := &Object{Format: format(t, state)}
	for raw, want := range map[string]string{"\x01\x00\x00\x00": "OPEN", "\x00\x00\x00\x00": "CLOSED"} {
		o.Raw = []byte(raw)
		text, lines, json := string(o.AppendText(nil)), string(o.AppendLines(nil, 2)), string(o.AppendJSON(nil))
		if text != want || lines != "  "+want || json != `"`+want+`"` {
			t.Errorf("%q is %s, %s and %s, want %s", raw, text, lines, json, want)
		}
	}
}
