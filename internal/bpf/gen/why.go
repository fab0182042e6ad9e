// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/format"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// whyRecord generates the constants with which package explain reads the values of a drop: the sizes and positions in
// struct record_why and struct record_why_entry, and the kinds of entries.
func whyRecord(spec *ebpf.CollectionSpec) ([]byte, error) {
	var part, entry *btf.Struct
	for name, found := range map[string]any{"record_why": &part, "record_why_entry": &entry} {
		if err := spec.Types.TypeByName(name, found); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	var b strings.Builder
	b.WriteString(header("explain"))
	fmt.Fprintf(&b, "// The size of struct record_why, and the positions of the members of struct record_why_entry.\nconst (\nheaderSize = %d\n", part.Size)
	for _, m := range []struct{ c, goName string }{{"number", "entryNumber"}, {"size", "entrySize"}, {"kind", "entryKind"}, {"values", "entryValues"}} {
		at, err := offsetOf(entry, m.c)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s = %d\n", m.goName, at)
	}
	b.WriteString(")\n\n// The kinds of entries, with the numbers of enum why_kind.\nconst (\n")
	kinds := enum{c: "why_kind", members: []member{{"WHY_SITE", "siteEntry", ""}, {"WHY_DECISION", "decisionEntry", ""}}}
	numbers, err := kinds.numbers(spec.Types)
	if err != nil {
		return nil, err
	}
	for _, m := range kinds.members {
		fmt.Fprintf(&b, "%s = %d\n", m.goName, numbers[m.c])
	}
	b.WriteString(")\n")
	return format.Source([]byte(b.String()))
}

// offsetOf returns the position of a member in bytes.
func offsetOf(of *btf.Struct, name string) (uint32, error) {
	for _, m := range of.Members {
		if m.Name == name {
			return m.Offset.Bytes(), nil
		}
	}
	return 0, fmt.Errorf("struct %s has no member %s", of.Name, name)
}
