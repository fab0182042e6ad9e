// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// TaskFilter is whose packets are wanted: their socket has to belong to such a process
// and to such a control group, or the kernel has to work on them on its behalf.
// An empty list is anybody.
type TaskFilter struct {
	PIDs []uint32
	// Comms are names of threads; a trailing * makes one the beginning of names.
	Comms []string
	// Cgroups are ids of control groups of the second version, each with all that are
	// below it.
	Cgroups []uint64
}

// Process says whether packets are chosen by process.
func (o TaskFilter) Process() bool { return len(o.PIDs)+len(o.Comms) > 0 }

// MatchesProcess says whether the packets of a process are wanted, by its id and the name of
// its first thread.
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
