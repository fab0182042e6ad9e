// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// objectSpec reads the committed object.
func objectSpec(t *testing.T) *ebpf.CollectionSpec {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpec("../" + object)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestGeneratedFilesAreCurrent checks that the committed files are those generated from the committed object.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	spec := objectSpec(t)
	for path, generate := range outputs {
		want, err := generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("../" + path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run make generate and commit it", path)
		}
	}
}

// enumerators returns the enum with that name, for tests that change its members.
func enumerators(t *testing.T, spec *ebpf.CollectionSpec, name string) *btf.Enum {
	t.Helper()
	var found *btf.Enum
	if err := spec.Types.TypeByName(name, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestSwappedMembersChangeGo checks that Go follows a change of numbers in C.
func TestSwappedMembersChangeGo(t *testing.T) {
	spec := objectSpec(t)
	before, err := eventEnums(spec)
	if err != nil {
		t.Fatal(err)
	}
	e := enumerators(t, spec, "tunnel_kind")
	e.Values[1].Value, e.Values[2].Value = e.Values[2].Value, e.Values[1].Value
	after, err := eventEnums(spec)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(string(after)), " ")
	if bytes.Equal(before, after) || !strings.Contains(words, "Geneve TunnelKind = 1 ") || !strings.Contains(words, "VXLAN TunnelKind = 2 ") {
		t.Errorf("after a swap of %s and %s:\n%s", e.Values[1].Name, e.Values[2].Name, after)
	}
}

// TestUnknownMembersAreErrors checks that it is an error if C or Go has a member that the other side lacks.
func TestUnknownMembersAreErrors(t *testing.T) {
	for want, change := range map[string]func(*btf.Enum){
		"enum origin has no member ORIGIN_NONE":                        func(e *btf.Enum) { e.Values[0].Name = "ORIGIN_NEW" },
		"enum origin has 12 members, and 11 of them have a name in Go": func(e *btf.Enum) { e.Values = append(e.Values, btf.EnumValue{Name: "ORIGIN_NEW", Value: 20}) },
	} {
		spec := objectSpec(t)
		change(enumerators(t, spec, "origin"))
		if _, err := eventEnums(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
