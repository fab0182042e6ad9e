// SPDX-License-Identifier: Apache-2.0

package event

// FirstTuple is the tuple that a dropped packet had first, or as which it matched the filter.
type FirstTuple struct {
	By    FirstBy
	Tuple Tuple
}

// FirstBy is how the first tuple is known.
type FirstBy uint8

// The order is that of enum first_by in bpf/event.h.
const (
	// FirstUnknown: there is none.
	FirstUnknown FirstBy = iota
	// FirstFollowed: the packet was followed since it had this tuple.
	FirstFollowed
	// FirstConnection: connection tracking knows it as the one before NAT; FirstTranslated: as the
	// one that the packet would have had after NAT.
	FirstConnection
	FirstTranslated
	// FirstInner is the tuple of the packet inside of a tunnel's packet.
	FirstInner
	// FirstQuoted is the tuple of the packet that an ICMP error is about.
	FirstQuoted
)

var firstNames = [...]string{"", "followed", "conntrack", "nat", "inner", "icmp"}

// String is the word for it in JSON; empty for FirstUnknown.
func (b FirstBy) String() string {
	if int(b) < len(firstNames) {
		return firstNames[b]
	}
	return "unknown"
}

// Differs says whether the first tuple has other addresses, ports or another protocol than now.
func (f *FirstTuple) Differs(now *Tuple) bool {
	a, b := &f.Tuple, now
	return a.Network != b.Network || a.Source != b.Source || a.Dest != b.Dest || a.Protocol != b.Protocol ||
		a.SourcePort != b.SourcePort || a.DestPort != b.DestPort
}
