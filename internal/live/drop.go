// SPDX-License-Identifier: Apache-2.0

package live

import "tracer/internal/plan"

// Drops select dropped packets.
type Drops struct {
	// Only means that only drops are traced.
	Only bool
	// Reasons are the names or numbers of drop reasons, with an optional leading ! for negation. They imply
	// Only.
	Reasons []string
}

// OnlyDrops reports whether only drops are traced.
func (d Drops) OnlyDrops() bool { return d.Only || len(d.Reasons) > 0 }

func (d Drops) options() plan.Drop {
	in, out := sides(d.Reasons)
	return plan.Drop{Only: d.OnlyDrops(), Reasons: in, NotReasons: out}
}
