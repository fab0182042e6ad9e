// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"slices"

	"github.com/cilium/ebpf/link"

	"tracer/internal/plan"
)

// attachTracepoints attaches one program to each raw tracepoint (4.17).
func (s *Session) attachTracepoints(ctx context.Context, p *plan.Plan) error {
	for i, t := range slices.Concat(p.Tracepoints, p.Silent) {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{
			Name:    t.Name,
			Program: s.collection.Programs[t.Program],
		})
		if err != nil {
			s.skip(Skipped{Name: "tp:" + t.Name, Reason: err, Silent: i >= len(p.Tracepoints)})
			continue
		}
		s.attached(1, l)
	}
	return nil
}
