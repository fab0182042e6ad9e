// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/lookup"
)

// count plans to compare the counters of a decision, whose values are placed already.
func (d *decisions) count(compiled *decision, params *bpf.DecisionParams, roots expr.Roots, c *explain.Counters, placed []lookup.FieldSlots) error {
	if first := placed[0].Values; len(first) != 1 || first[0].At != bpf.MovedOffset {
		return fmt.Errorf("the first value of a decision with counters must be the counter")
	}
	number, err := countersIn(d.types, c.Struct)
	if err != nil {
		return err
	}
	if c.Number != 0 {
		number = min(number, c.Number)
	}
	program, err := expr.Value(d.types, roots, fmt.Sprintf("(u64)%s + __per_cpu_offset[cpu]", c.Base))
	if err != nil {
		return err
	}
	compiled.counters = program.Body
	params.Counters = uint16(number)
	params.Snapshot = uint16(d.plan.BPF.Decisions.Snapshots + 1)
	return nil
}

// countersIn returns the number of counters in a struct, at most as many as can be compared.
func countersIn(types expr.Types, name string) (int, error) {
	found, _ := types.AnyTypesByName(name)
	for _, t := range found {
		if s, ok := t.(*btf.Struct); ok {
			return min(int(s.Size)/8, bpf.MaxCounters), nil
		}
	}
	return 0, fmt.Errorf("BTF has no struct %s", name)
}
