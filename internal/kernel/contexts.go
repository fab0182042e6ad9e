// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"

	"github.com/cilium/ebpf/btf"
)

// Contexts says where each CPU of an amd64 keeps the count that tells whether it
// works for the process that it runs or has been interrupted. On arm64 the task
// itself has it.
type Contexts struct {
	// CPUOffsets is the address of the array with the offset of each CPU's variables,
	// PreemptCount that of the count without that offset.
	CPUOffsets, PreemptCount uint64
}

// Symbols of variables that are looked for, as far as the kernel tells of them
// (CONFIG_KALLSYMS_ALL).
const (
	cpuOffsets   = "__per_cpu_offset"
	preemptCount = "__preempt_count" // but from 6.2 to 6.14 a member of hotVariables
	hotVariables = "pcpu_hot"
)

// variables are the symbols of data that are kept.
var variables = []string{cpuOffsets, preemptCount, hotVariables}

// errNoCount: s390x keeps the count in pages of the CPUs' own, whose addresses are nowhere.
var errNoCount = errors.New("on s390x the kernel does not expose the interrupt context of a CPU")

var errNoVariables = errors.New("the kernel's symbols do not include variables (CONFIG_KALLSYMS_ALL)")

// locateContexts needs symbols, which may be nil. There is nothing to locate
// where the architecture keeps the count in the task.
func locateContexts(arch string, symbols *Symbols, types *btf.Spec) (*Contexts, error) {
	switch {
	case arch == "s390x":
		return nil, errNoCount
	case arch != "amd64":
		return nil, nil
	case symbols == nil:
		return nil, ErrAddressesHidden
	}
	c := &Contexts{symbols.marks[cpuOffsets], symbols.marks[preemptCount]}
	if hot := symbols.marks[hotVariables]; hot != 0 {
		c.PreemptCount = hot + memberOffset(types, hotVariables, "preempt_count")
	}
	if c.CPUOffsets == 0 || c.PreemptCount == 0 {
		return nil, errNoVariables
	}
	return c, nil
}

// memberOffset is in bytes, 0 for a member that is not there. Anonymous members
// are looked into.
func memberOffset(types *btf.Spec, name, member string) uint64 {
	var s *btf.Struct
	if err := types.TypeByName(name, &s); err != nil {
		return 0
	}
	m, _ := findMember(s, member)
	return uint64(m.Offset.Bytes())
}

func membersOf(t btf.Type) []btf.Member {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}

// findMember has the offset from the beginning of t.
func findMember(t btf.Type, name string) (btf.Member, bool) {
	for _, m := range membersOf(t) {
		if m.Name == name {
			return m, true
		}
		if m.Name != "" {
			continue
		}
		if inner, ok := findMember(m.Type, name); ok {
			inner.Offset += m.Offset
			return inner, true
		}
	}
	return btf.Member{}, false
}

// CPUOffsets is the address of the array with the offset of each CPU's variables, 0 where
// the kernel does not tell it.
func (s *Symbols) CPUOffsets() uint64 { return s.marks[cpuOffsets] }
