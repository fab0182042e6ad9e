// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type member struct {
	Name string
	Mode uint64
	Data string
}

// members parses a newc archive, by the description of the format.
func members(t *testing.T, b []byte) []member {
	t.Helper()
	var list []member
	for {
		if !bytes.HasPrefix(b, []byte("070701")) {
			t.Fatalf("no header at %q", b[:min(len(b), 16)])
		}
		field := func(n int) int {
			v, err := strconv.ParseUint(string(b[6+8*n:14+8*n]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(v)
		}
		mode, size, nameLen := field(1), field(6), field(11)
		start := (110 + nameLen + 3) &^ 3
		m := member{string(b[110 : 110+nameLen-1]), uint64(mode), string(b[start : start+size])}
		if m.Name == "TRAILER!!!" {
			return list
		}
		list = append(list, m)
		b = b[(start+size+3)&^3:]
	}
}

func TestArchive(t *testing.T) {
	var a archive
	a.char("dev/console", 5, 1)
	a.file("vm/bin/x", 0o755, []byte("hello"))
	a.file("vm/y", 0o644, nil)
	want := []member{
		{"dev", 0o040755, ""},
		{"dev/console", 0o020600, ""},
		{"vm", 0o040755, ""},
		{"vm/bin", 0o040755, ""},
		{"vm/bin/x", 0o100755, "hello"},
		{"vm/y", 0o100644, ""},
	}
	if diff := cmp.Diff(want, members(t, a.bytes())); diff != "" {
		t.Error(diff)
	}
}
