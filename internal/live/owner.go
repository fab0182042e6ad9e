// SPDX-License-Identifier: Apache-2.0

package live

import (
	"tracer/internal/input"
	"tracer/internal/plan"
)

// Owners selects packets by process and control group, as the user typed them. A packet must match an entry of
// each list that is not empty.
type Owners struct {
	// PIDs are ids of processes, Comms their names, with an optional trailing * for any suffix.
	PIDs, Comms []string
	// Cgroups are paths or ids of control groups of cgroup2.
	Cgroups []string
}

// resolve checks the words and looks them up.
func (w Owners) resolve() (o plan.TaskFilter, err error) {
	if o.PIDs, err = each(w.PIDs, input.PID); err != nil {
		return o, err
	}
	if o.Cgroups, err = each(w.Cgroups, input.Cgroup); err != nil {
		return o, err
	}
	o.Comms = w.Comms
	_, err = each(w.Comms, func(comm string) (string, error) { return comm, input.CheckCommand(comm) })
	return o, err
}

// each looks up every word; it returns nil for no words.
func each[T any](words []string, lookUp func(string) (T, error)) (found []T, err error) {
	for _, word := range words {
		value, err := lookUp(word)
		if err != nil {
			return nil, err
		}
		found = append(found, value)
	}
	return found, nil
}
