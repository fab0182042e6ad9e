// SPDX-License-Identifier: Apache-2.0

package journey

import "tracer/internal/event"

// Packets counts distinct packets: by number if they are followed, else by address, with an address counted
// again after the end of its packet. An address that is reused without a traced end is not counted again.
type Packets struct {
	scope     Scope
	addresses addressSet
	numbers   numberSet
}

// NewPackets returns an empty count of packets of a source.
func NewPackets(scope Scope) *Packets { return &Packets{scope: scope, addresses: newAddressSet()} }

// Count counts the packet of an event unless it was counted before.
func (p *Packets) Count(e *event.Event) {
	if e.Lineage.ID != 0 {
		p.numbers.add(e.Lineage.ID)
		return
	}
	if e.Kind != event.Return && e.Kind != event.Verdict { // their entry events were counted
		p.addresses.add(e.Packet())
	}
	if p.scope.Ends(e) {
		p.addresses.end(e.Packet())
	}
}

// Skip notes an event that is not printed: it may end its packet.
func (p *Packets) Skip(e *event.Event) {
	if p.scope.Ends(e) {
		p.addresses.end(e.Packet())
	}
}

// Total returns the number of packets so far.
func (p *Packets) Total() uint64 { return p.addresses.count + p.numbers.count }
