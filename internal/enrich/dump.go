// SPDX-License-Identifier: Apache-2.0

package enrich

import "tracer/internal/event"

// dumps make values of copies of kernel objects; what is nil is not asked for.
type dumps struct {
	skb, shared       func(raw []byte) event.Value
	values, xdpValues func(raw []byte) []event.NamedValue
}

func (d *dumps) name(e *event.Event) {
	if d.skb != nil && e.Dump.Skb != nil {
		e.Names.Skb = d.skb(e.Dump.Skb)
	}
	if d.shared != nil && e.Dump.Shared != nil {
		e.Names.Shared = d.shared(e.Dump.Shared)
	}
	if d.values != nil && e.Dump.Values != nil {
		e.Names.Values = d.values(e.Dump.Values)
	}
	if d.xdpValues != nil && e.Dump.XDPValues != nil {
		e.Names.XDPValues = d.xdpValues(e.Dump.XDPValues)
	}
}
