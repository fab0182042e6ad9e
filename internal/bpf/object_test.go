// SPDX-License-Identifier: Apache-2.0

package bpf

import "testing"

// TestObjectHasNoLines: nothing of the source is read, and so loaded.
func TestObjectHasNoLines(t *testing.T) {
	spec, err := readObject()
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range spec.Programs {
		for i := range program.Instructions {
			if source := program.Instructions[i].Source(); source != nil {
				t.Fatalf("%s, instruction %d: %s", name, i, source)
			}
		}
	}
}

func TestOtherObjectsAreRefused(t *testing.T) {
	for _, object := range [][]byte{nil, []byte("no ELF"), _TracerBytes[:100]} {
		if _, err := withoutLines(object); err == nil {
			t.Errorf("%d bytes were accepted", len(object))
		}
	}
}
