// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"tracer/internal/kernel"
)

// TestObjectHasNoLines checks that no source lines are read, and so none are loaded.
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

// TestProgramsHaveAVersion checks the kernel version of programs: without one, the library reads a file that
// only root may be able to read.
func TestProgramsHaveAVersion(t *testing.T) {
	spec, err := readObject()
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range spec.Programs {
		if program.KernelVersion != kernel.AnyVersion {
			t.Errorf("%s is for version %d", name, program.KernelVersion)
		}
	}
}

func TestInvalidObjectsAreRejected(t *testing.T) {
	for _, object := range [][]byte{nil, []byte("no ELF"), _TracerBytes[:100]} {
		if _, err := withoutLines(object); err == nil {
			t.Errorf("%d bytes were accepted", len(object))
		}
	}
}
