// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// Owner filters packets by process and control group: a packet matches if its socket belongs to a matching
// process and control group, or if the kernel handles it on behalf of one. An empty list matches all.
type TaskFilter struct {
	PIDs []uint32
	// Comms are names of threads. A trailing * matches any rest of the name.
	Comms []string
	// Cgroups are ids of version 2 control groups. Each includes the groups below it.
	Cgroups []uint64
}

// Process reports whether packets are filtered by process.
func (o TaskFilter) Process() bool { return len(o.PIDs)+len(o.Comms) > 0 }

// MatchesProcess reports whether the packets of a process match, given its id and the name of its first thread.
func (o TaskFilter) MatchesProcess(pid uint32, comm string) bool {
	isNamed := func(name string) bool { return isLike(pattern(name), comm) }
	return (len(o.PIDs) == 0 || slices.Contains(o.PIDs, pid)) && (len(o.Comms) == 0 || slices.ContainsFunc(o.Comms, isNamed))
}

func (o TaskFilter) configure(c *bpf.Config, contexts *kernel.Contexts) (err error) {
	if c.PidCount, err = fill("processes", o.PIDs, func(i int, pid uint32) { c.Pids[i] = pid }); err != nil {
		return err
	}
	if c.CommCount, err = fill("names of processes", o.Comms, func(i int, name string) { c.Comms[i] = pattern(name) }); err != nil {
		return err
	}
	c.CgroupCount, err = fill("control groups", o.Cgroups, func(i int, id uint64) { c.Cgroups[i] = id })
	if contexts != nil {
		c.CpuOffsets, c.PreemptCount = contexts.CPUOffsets, contexts.PreemptCount
	}
	return err
}
