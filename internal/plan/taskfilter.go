// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// TaskFilter filters packets by process and control group: a packet matches if its socket belongs to a
// matching process and control group, or if it is handled in the context of a task that matches. An empty list
// matches all.
type TaskFilter struct {
	PIDs []uint32
	// Comms are names of threads. A trailing * matches any rest of the name.
	Comms []string
	// Cgroups are ids of version 2 control groups. Each includes the groups below it.
	Cgroups []uint64
}

// Process reports whether packets are filtered by process.
func (f TaskFilter) Process() bool { return len(f.PIDs)+len(f.Comms) > 0 }

// MatchesProcess reports whether the packets of a process match, given its id and the name of its first thread.
func (f TaskFilter) MatchesProcess(pid uint32, comm string) bool {
	isNamed := func(name string) bool { return matchesPattern(pattern(name), comm) }
	return (len(f.PIDs) == 0 || slices.Contains(f.PIDs, pid)) && (len(f.Comms) == 0 || slices.ContainsFunc(f.Comms, isNamed))
}

func (f TaskFilter) configure(c *bpf.Config, contexts *kernel.Contexts) (err error) {
	if c.PidCount, err = fill("processes", f.PIDs, func(i int, pid uint32) { c.Pids[i] = pid }); err != nil {
		return err
	}
	if c.CommCount, err = fill("names of processes", f.Comms, func(i int, name string) { c.Comms[i] = pattern(name) }); err != nil {
		return err
	}
	c.CgroupCount, err = fill("control groups", f.Cgroups, func(i int, id uint64) { c.Cgroups[i] = id })
	if contexts != nil {
		c.CpuOffsets, c.PreemptCount = contexts.CPUOffsets, contexts.PreemptCount
	}
	return err
}
