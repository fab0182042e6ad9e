// SPDX-License-Identifier: Apache-2.0

package event

// FirstTuple is the first known tuple of a dropped packet, or the tuple that matched the filter if that is
// not the current one.
type FirstTuple struct {
	By    FirstBy `cbor:"1,keyasint,omitzero"`
	Tuple Tuple   `cbor:"2,keyasint,omitzero"`
}

// FirstBy is the source of the first tuple.
type FirstBy uint8

var firstNames = [...]string{"", "followed", "conntrack", "nat", "inner", "icmp"}

// String returns the value of `by` in JSON; empty for FirstUnknown.
func (b FirstBy) String() string {
	if int(b) < len(firstNames) {
		return firstNames[b]
	}
	return "unknown"
}

// Differs reports whether the addresses, ports or protocol of the first tuple differ from those
// of the current tuple.
func (f *FirstTuple) Differs(now *Tuple) bool {
	a, b := &f.Tuple, now
	return a.Network != b.Network || a.Source != b.Source || a.Dest != b.Dest || a.Protocol != b.Protocol ||
		a.SourcePort != b.SourcePort || a.DestPort != b.DestPort
}
