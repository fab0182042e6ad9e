// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"

	"tracer/internal/kernel"
)

// Object is the embedded object, of which one collection can be made.
type Object struct {
	read func() (*ebpf.CollectionSpec, error)
}

// ReadObject begins to read it, which goes on beside whatever else there is to do.
func ReadObject() *Object {
	o := &Object{sync.OnceValues(readObject)}
	go o.read()
	return o
}

func readObject() (*ebpf.CollectionSpec, error) {
	raw, err := withoutLines(_TracerBytes)
	if err != nil {
		return nil, fmt.Errorf("embedded BPF object: %w", err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("embedded BPF object: %w", err)
	}
	for _, program := range spec.Programs {
		program.KernelVersion = kernel.AnyVersion
	}
	return spec, nil
}

// The beginning of section .BTF.ext: Documentation/bpf/btf.rst, "The .BTF.ext section".
const (
	extSection = ".BTF.ext"
	extMagic   = 0xeb9f
	// lineLength is where it has the bytes of source lines, of which the first are the size
	// of an entry.
	lineLength = 20
	noLines    = 4
)

// withoutLines has the object tell of no source lines. They take time to read and to load,
// and the kernel would keep them.
func withoutLines(object []byte) ([]byte, error) {
	file, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	section := file.Section(extSection)
	if section == nil || section.Size < lineLength+4 || file.ByteOrder.Uint16(object[section.Offset:]) != extMagic {
		return nil, errors.New("no section " + extSection)
	}
	object = bytes.Clone(object)
	file.ByteOrder.PutUint32(object[section.Offset+lineLength:], noLines)
	return object, nil
}
