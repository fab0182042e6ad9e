// SPDX-License-Identifier: Apache-2.0

package input

import "testing"

func TestAllNetns(t *testing.T) {
	named(t, "blue", "/proc/self/ns/net")
	inode := ownInode(t)
	all := AllNetns(100)
	if all[inode] != namedNetns+"/blue" {
		t.Errorf("%v, want namespace %d at its name", all, inode)
	}
	if some := AllNetns(0); len(some) > 0 {
		t.Errorf("at most none: %v", some)
	}
}
