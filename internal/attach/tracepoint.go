// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"

	"github.com/cilium/ebpf/link"

	"tracer/internal/plan"
)

// attachTracepoints attaches one program to each raw tracepoint (4.17).
func (s *Session) attachTracepoints(ctx context.Context, p *plan.Plan) error {
	for _, t := range p.Tracepoints {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{
			Name:    t.Name,
			Program: s.collection.Programs[t.Program],
		})
		if err != nil {
			s.skipped("tp:"+t.Name, err)
			continue
		}
		s.attached(1, l)
	}
	return nil
}
