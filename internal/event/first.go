// SPDX-License-Identifier: Apache-2.0

package event

// FirstTuple is the first tuple that is known of a dropped packet, or the one that matched the filter
// if that is not the packet's present one.
type FirstTuple struct {
	By    FirstBy `cbor:"1,keyasint,omitzero"`
	Tuple Tuple   `cbor:"2,keyasint,omitzero"`
}

// FirstBy is how the first tuple is known.
type FirstBy uint8

var firstNames = [...]string{"", "followed", "conntrack", "nat", "inner", "icmp"}

// String is the value of `by` in JSON; empty for FirstUnknown.
func (b FirstBy) String() string {
	if int(b) < len(firstNames) {
		return firstNames[b]
	}
	return "unknown"
}

// Differs reports whether addresses, ports or protocol of the first tuple differ from the present
// ones.
func (f *FirstTuple) Differs(now *Tuple) bool {
	a, b := &f.Tuple, now
	return a.Network != b.Network || a.Source != b.Source || a.Dest != b.Dest || a.Protocol != b.Protocol ||
		a.SourcePort != b.SourcePort || a.DestPort != b.DestPort
}
