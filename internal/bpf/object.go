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

// Object is the embedded BPF object. It can be used for only one collection.
type Object struct {
	read func() (*ebpf.CollectionSpec, error)
}

// ReadObject starts to parse the embedded object in the background.
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

// The header of section .BTF.ext, see Documentation/bpf/btf.rst, "The .BTF.ext section".
const (
	extSection = ".BTF.ext"
	extMagic   = 0xeb9f
	// lineLength is the offset of line_info_len, the length of the line information in bytes. It begins with the
	// size of an entry, so noLines is the length without entries.
	lineLength = 20
	noLines    = 4
)

// withoutLines returns the object without line information, which takes time to parse and to load, and
// kernel memory.
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
