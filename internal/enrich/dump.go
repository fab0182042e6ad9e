// SPDX-License-Identifier: Apache-2.0

package enrich

import "tracer/internal/event"

// dumps format copies of kernel objects and values of expressions; nil means not requested.
type dumps struct {
	skb, shared       func(raw []byte) *event.Value
	values, xdpValues func(raw []byte) []event.NamedValue
}

func newDumps(o Options) *dumps {
	if o.SkbFormat == nil && o.SharedFormat == nil && o.Values == nil && o.XDPValues == nil {
		return nil
	}
	return &dumps{o.SkbFormat, o.SharedFormat, o.Values, o.XDPValues}
}

func (d *dumps) name(e *event.Event) {
	if d.skb != nil && e.Raw.Skb != nil {
		e.SkbDump = d.skb(e.Raw.Skb)
	}
	if d.shared != nil && e.Raw.Shared != nil {
		e.SharedInfo = d.shared(e.Raw.Shared)
	}
	if d.values != nil && e.Raw.Values != nil {
		e.Values = d.values(e.Raw.Values)
	}
	if d.xdpValues != nil && e.Raw.XDPValues != nil {
		e.XDPValues = d.xdpValues(e.Raw.XDPValues)
	}
}
