// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestLayoutOfValuesFollowsC checks that Go follows a change of positions and numbers in C, and that a missing member is
// an error.
func TestLayoutOfValuesFollowsC(t *testing.T) {
	spec := objectSpec(t)
	var entry *btf.Struct
	if err := spec.Types.TypeByName("record_why_entry", &entry); err != nil {
		t.Fatal(err)
	}
	kinds := enumerators(t, spec, "why_kind")
	entry.Members[0].Offset, entry.Members[1].Offset = entry.Members[1].Offset, entry.Members[0].Offset
	kinds.Values[0].Value, kinds.Values[1].Value = 1, 0
	text, err := whyRecord(spec)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(string(text)), " ")
	for _, want := range []string{"entryNumber = 2 ", "entrySize = 0 ", "siteEntry = 1 ", "decisionEntry = 0 "} {
		if !strings.Contains(words, want) {
			t.Errorf("%s is missing:\n%s", want, text)
		}
	}
	entry.Members[0].Name = "index"
	if _, err := whyRecord(spec); err == nil || err.Error() != "struct record_why_entry has no member number" {
		t.Errorf("error %v", err)
	}
}
