// SPDX-License-Identifier: Apache-2.0

package column

import "testing"

// TestNamesAreEscaped checks that names are escaped in text and in JSON. Package printable has the rules.
func TestNamesAreEscaped(t *testing.T) {
	const name = "a\x1b\u009b\u202e"
	if got, want := string(appendEscaped(nil, name)), `a\x1b\xc2\x9b\xe2\x80\xae`; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if got, want := string(appendJSONString(nil, name)), `"a\u001b\u009b\u202e"`; got != want {
		t.Errorf("JSON %q, want %q", got, want)
	}
}
