// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
)

func TestInventoryFindsALeak(t *testing.T) {
	Root(t)
	before, err := TakeInventory()
	if err != nil {
		t.Fatal(err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	line := fmt.Sprintf("BPF map %d", id)
	now, err := TakeInventory()
	if err != nil || !slices.Contains(now.Since(before), line) {
		t.Errorf("%v lacks %q, %v", now.Since(before), line, err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if left := leftSince(t, before); slices.Contains(left, line) {
		t.Errorf("%q still exists after it was closed", line)
	}
}

func TestPinsAreListed(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "below", "map")
	if err := errors.Join(os.Mkdir(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, want := pins(folder), []string{"pin " + name}; !slices.Equal(got, want) {
		t.Errorf("pins %q, want %q", got, want)
	}
	if got := pins(filepath.Join(folder, "none")); len(got) != 0 {
		t.Errorf("pins %q in a folder that does not exist", got)
	}
}
