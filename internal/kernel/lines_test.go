// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	var got []string
	r := iotest.OneByteReader(strings.NewReader("a\n\nbc\nlast"))
	if err := lines(r, func(b []byte) { got = append(got, string(b)) }); err != nil {
		t.Fatal(err)
	}
	diff(t, []string{"a", "", "bc", "last"}, got)
}

func TestLinesErrors(t *testing.T) {
	broken := errors.New("broken")
	if err := lines(iotest.ErrReader(broken), func([]byte) {}); err != broken {
		t.Error(err)
	}
	long := strings.NewReader(strings.Repeat("x", lineBuffer+1))
	if err := lines(long, func([]byte) {}); err != errLongLine {
		t.Error(err)
	}
}
