// SPDX-License-Identifier: Apache-2.0

package input

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestEachSocket(t *testing.T) {
	fakeProc(t, 12, "/dev/null", "socket:[99]", "socket:[7]", "socket:[99]")
	var got []uint64
	add := func(p Process, inode uint64) bool {
		if p != (Process{12, "curl"}) {
			t.Errorf("process %+v", p)
		}
		got = append(got, inode)
		return true
	}
	if err := EachSocket(add); err != nil || !slices.Equal(got, []uint64{7, 99}) {
		t.Errorf("sockets %v (%v), want 7 and 99", got, err)
	}
	got = nil
	if err := EachSocket(func(p Process, inode uint64) bool { return add(p, inode) && false }); err != nil || len(got) != 1 {
		t.Errorf("stopped at the first: %v (%v)", got, err)
	}
	proc = filepath.Join(proc, "none")
	if err := EachSocket(add); err == nil {
		t.Error("no error without /proc")
	}
}
