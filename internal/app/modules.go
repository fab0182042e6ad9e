// SPDX-License-Identifier: Apache-2.0

package app

import (
	"github.com/cilium/ebpf/btf"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// moduleTypes are the types of the modules that a plan's programs look into. Those of
// a file that the user gave are all there is.
func moduleTypes(cfg Config, p *plan.Plan, facts *kernel.Facts) ([]*btf.Spec, error) {
	if cfg.Kernel.BTFFile != "" {
		return nil, nil
	}
	return kernel.ModuleTypes(facts.BTF, p.Modules()...)
}
