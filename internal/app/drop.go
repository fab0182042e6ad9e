// SPDX-License-Identifier: Apache-2.0

package app

import "tracer/internal/plan"

// Drops are about dropped packets.
type Drops struct {
	// Only traces nothing else.
	Only bool
	// Reasons are names or numbers of the drops wanted, without anything else; a ! in
	// front negates.
	Reasons []string
}

// Alone says that nothing but drops is traced.
func (d Drops) Alone() bool { return d.Only || len(d.Reasons) > 0 }

func (d Drops) options() plan.Drop {
	in, out := sides(d.Reasons)
	return plan.Drop{Only: d.Alone(), Reasons: in, NotReasons: out}
}
