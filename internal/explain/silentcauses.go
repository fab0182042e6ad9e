// SPDX-License-Identifier: Apache-2.0

package explain

import "slices"

// SilentCauses returns the causes of packets that end although the kernel reports no drop, if they can be told at all.
func SilentCauses() ([]*Cause, error) {
	table, err := Load()
	if err != nil {
		return nil, err
	}
	var list []*Cause
	for _, c := range table.causes {
		if c.Silent != "" && table.isTold(c) {
			list = append(list, c.Cause)
		}
	}
	return list, nil
}

// NeedsXDP reports whether the cause is that of a frame without an sk_buff, which only the tracing of XDP programs shows.
func (c *Cause) NeedsXDP() bool { return slices.Contains([]string{xdpProgram, xdpRedirect}, c.Silent) }

// Reads reports whether the records have the values of a decision.
func (l *Layout) Reads(decision string) bool {
	return slices.ContainsFunc(l.Decisions, func(p Placement) bool { return p.Name == decision })
}
