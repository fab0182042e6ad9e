// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"tracer/internal/bpf"
)

// Netns are network namespaces, by inode number. Packets must be in one of In, unless it is empty, and in
// none of Out.
type Netns struct{ In, Out []uint32 }

// Ifnames are names of network devices. A trailing * matches any rest of the name. The device of a packet
// must match one of In, unless it is empty, and none of Out.
type Ifnames struct{ In, Out []string }

func (n Netns) configure(c *bpf.Config) (err error) {
	const what = "network namespaces"
	if c.NetnsInCount, err = fill(what, n.In, func(i int, inode uint32) { c.NetnsIn[i] = inode }); err != nil {
		return err
	}
	c.NetnsOutCount, err = fill(what, n.Out, func(i int, inode uint32) { c.NetnsOut[i] = inode })
	return err
}

func (n Ifnames) configure(c *bpf.Config) (err error) {
	const what = "interfaces"
	if c.IfnameInCount, err = fill(what, n.In, func(i int, name string) { c.IfnameIn[i] = pattern(name) }); err != nil {
		return err
	}
	c.IfnameOutCount, err = fill(what, n.Out, func(i int, name string) { c.IfnameOut[i] = pattern(name) })
	return err
}

// fill copies a list of at most bpf.MaxEntries entries into the settings, and returns its length.
func fill[T any](what string, list []T, set func(i int, entry T)) (uint32, error) {
	return fillUpTo(bpf.MaxEntries, what, list, set)
}

// fillUpTo is fill with another maximum.
func fillUpTo[T any](most int, what string, list []T, set func(i int, entry T)) (uint32, error) {
	if len(list) > most {
		return 0, usageError{fmt.Errorf("%d %s: at most %d are possible", len(list), what, most), ""}
	}
	for i, entry := range list {
		set(i, entry)
	}
	return uint32(len(list)), nil
}
