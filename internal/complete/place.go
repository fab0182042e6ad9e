// SPDX-License-Identifier: Apache-2.0

package complete

import (
	"strconv"

	"tracer/internal/input"
)

// Netns returns the names of network namespaces.
func Netns() []Word { return wordsOf("network namespace", input.NetnsNames()) }

// NetnsInodes returns the inode numbers of our own network namespace and of those that have names.
func NetnsInodes() []Word {
	words := netnsInode("/proc/self/ns/net", "this network namespace")
	for _, name := range input.NetnsNames() {
		words = append(words, netnsInode(name, "network namespace "+name)...)
	}
	return words
}

func netnsInode(spec, help string) []Word {
	inode, _, err := input.NetnsInode(spec)
	if err != nil {
		return nil
	}
	return []Word{{strconv.FormatUint(uint64(inode), 10), help}}
}

// Interfaces returns the interfaces of the namespaces, which are given as in --filter-netns; those of
// our own namespace if none is given.
func Interfaces(netns []string) []Word {
	if len(netns) == 0 {
		netns = []string{input.OwnNetns}
	}
	var names []string
	for _, spec := range netns {
		found, _ := input.Ifnames(spec) // a namespace that cannot be read has none to offer
		names = append(names, found...)
	}
	return distinct(names, "interface", "interfaces")
}

// Cgroups returns the children of a control group, which is a path as the user writes it.
func Cgroups(below string) []Word {
	var words []Word
	for _, name := range input.CgroupsBelow(below) {
		words = append(words, Word{below + name, "control group"})
	}
	return words
}
