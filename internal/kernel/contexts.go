// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"

	"github.com/cilium/ebpf/btf"
)

// Contexts locates the preempt_count of each CPU of an amd64 machine. The count shows whether the CPU is in task,
// softirq or interrupt context. On arm64 it is in the task.
type Contexts struct {
	// CPUOffsets is the address of the array with the per-CPU offsets (__per_cpu_offset). PreemptCount is the
	// address of the count before a CPU's offset is added.
	CPUOffsets, PreemptCount uint64
}

// Symbols of variables. Without CONFIG_KALLSYMS_ALL, /proc/kallsyms does not have them.
const (
	cpuOffsets   = "__per_cpu_offset"
	preemptCount = "__preempt_count" // from 6.2 to 6.14 a member of hotVariables
	hotVariables = "pcpu_hot"
)

// variables are the data symbols of vmlinux and of modules whose addresses are stored in Symbols.marks: those
// that this package reads, and those in the expressions of causes (explain.Symbols, which a test in internal/plan compares).
var variables = []string{
	cpuOffsets, preemptCount, hotVariables,
	"jiffies", "arp_tbl", "nd_tbl", "softnet_data", "net_hotdata", "netdev_max_backlog", "nf_queue_handler", "nf_conntrack_max", "nf_conntrack_net_id",
	"raw_v4_hashinfo", "raw_v6_hashinfo",
}

// errNoCount is the error on s390x, which keeps the count in per-CPU pages (lowcore). Their addresses are not
// exposed.
var errNoCount = errors.New("on s390x the kernel does not expose the interrupt context of a CPU")

var errNoVariables = errors.New("the kernel's symbols do not include variables (CONFIG_KALLSYMS_ALL)")

// locateContexts returns nil without an error on architectures that keep the count in the task. symbols may be
// nil.
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

// memberOffset returns the offset of a member in bytes, or 0 if there is no such member. It also searches
// anonymous members.
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

// findMember finds a member of t, also in anonymous members. The offset of the result is relative to t.
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

// Variable returns the address of a variable, or 0 if it is not among the symbols. Only a few variables are
// known; the address of a per-CPU variable has to be added to the offset of a CPU. s may be nil.
func (s *Symbols) Variable(name string) uint64 {
	if s == nil {
		return 0
	}
	return s.marks[name]
}

// CPUOffsets returns the address of the array with the per-CPU offsets, or 0 if it is not among the symbols.
func (s *Symbols) CPUOffsets() uint64 { return s.marks[cpuOffsets] }
