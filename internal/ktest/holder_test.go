// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObjects(t *testing.T) {
	link := "pos:\t0\nflags:\t02000002\nlink_type:\traw_tracepoint\nlink_id:\t7\nprog_tag:\tdd1de5cb9cf64a19\nprog_id:\t41\n"
	if diff := cmp.Diff(Inventory{"BPF link 7", "BPF program 41"}, objects(link)); diff != "" {
		t.Error(diff)
	}
	if got := objects("pos:\t0\nmnt_id:\t15\nino:\t1\n"); got != nil {
		t.Errorf("got %v of a file", got)
	}
}
