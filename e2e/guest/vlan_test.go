// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"testing"

	"tracer/internal/ktest"
)

// tagged is two hosts with VLANs 5, 6, and 7 within 100 (QinQ).
type tagged struct{ *world }

func newTagged(t *testing.T) *tagged {
	t.Helper()
	w := &tagged{newWorld(t)}
	for _, n := range []*ktest.Netns{w.a, w.b} {
		lower, host := "va", byte(1)
		if n == w.b {
			lower, host = "vb", 2
		}
		device := func(name string, network byte, v ktest.VLAN) {
			address := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 5, network, host}), 24)
			ktest.NewVLAN(t, ktest.End{Netns: n, Name: name, Addresses: []netip.Prefix{address}}, v)
		}
		device("five", 5, ktest.VLAN{Lower: lower, ID: 5})
		device("six", 6, ktest.VLAN{Lower: lower, ID: 6})
		device("outer", 100, ktest.VLAN{Lower: lower, ID: 100, Service: true})
		device("inner", 7, ktest.VLAN{Lower: "outer", ID: 7})
	}
	return w
}

// Identifiers of the pings, by VLAN.
const (
	pingFive, pingSix, pingInner, pingOuter, pingPlain = 0x3005, 0x3006, 0x3007, 0x3064, 0x3000
)

func (w *tagged) send() {
	w.t.Helper()
	ping(w.t, w.a, "10.5.5.2", pingFive)
	ping(w.t, w.a, "10.5.6.2", pingSix)
	ping(w.t, w.a, "10.5.7.2", pingInner)
	ping(w.t, w.a, "10.5.100.2", pingOuter)
	ping(w.t, w.a, b4, pingPlain)
}

// TestVLAN checks filters on VLAN tags. On these devices the kernel keeps the tag in skb->vlan_tci, and only an inner
// tag in the frame.
func TestVLAN(t *testing.T) {
	w := newTagged(t)
	t.Run("vlan 5", w.one)
	t.Run("vlan 100 and vlan 7", w.two)
	t.Run("bytes of the frame", w.bytes)
	t.Run("icmp and not vlan", w.none)
}

// withTags adds functions that a received packet passes before its tag is removed for the VLAN device.
func withTags() string { return few() + "|netif_rx|__netif_rx" }

func tag(outer int) func(*record) bool {
	return func(r *record) bool { return r.Tuple.VLAN != nil && *r.Tuple.VLAN == outer }
}

func innerTag(id int) func(*record) bool {
	return func(r *record) bool { return r.Tuple.InnerVLAN != nil && *r.Tuple.InnerVLAN == id }
}

func (w *tagged) one(t *testing.T) {
	p := start(t, "--filter-func", withTags(), "vlan 5 and icmp")
	w.send()
	events := p.stop().events
	request, reply := events.that(echo(8, pingFive)), events.that(echo(0, pingFive))
	request.that(on("va")).passed(t, marks(chosen()).sent)
	reply.that(on("vb")).passed(t, marks(chosen()).sent)
	request.that(on("vb")).present(t, "received, still with its tag")
	events.that(not(tag(5))).absent(t, "packet without the tag")
	for _, id := range []int{pingSix, pingInner, pingOuter, pingPlain} {
		events.that(func(r *record) bool { return echo(8, id)(r) || echo(0, id)(r) }).absent(t, "packet with another tag or none")
	}
}

func (w *tagged) two(t *testing.T) {
	p := start(t, "--filter-func", withTags(), "vlan 100 and vlan 7 and icmp")
	w.send()
	events := p.stop().events
	events.that(echo(8, pingInner), on("va")).passed(t, marks(chosen()).sent)
	events.that(echo(0, pingInner), on("vb")).passed(t, marks(chosen()).sent)
	events.that(echo(8, pingInner), on("vb")).present(t, "received, still with its tags")
	events.that(not(tag(100))).absent(t, "packet without the outer tag")
	events.that(not(innerTag(7))).absent(t, "packet without the inner tag")
	for _, id := range []int{pingFive, pingSix, pingOuter, pingPlain} {
		events.that(func(r *record) bool { return echo(8, id)(r) || echo(0, id)(r) }).absent(t, "packet with other tags")
	}
}

// bytes filters on the tag as bytes of the frame, at the offsets that it has in the frame on the wire.
func (w *tagged) bytes(t *testing.T) {
	p := start(t, "--filter-func", withTags(), "ether[14:2] & 0xfff = 5 and ether[12:2] = 0x8100")
	w.send()
	events := p.stop().events
	events.that(echo(8, pingFive), on("va")).passed(t, marks(chosen()).sent)
	events.that(echo(8, pingFive), on("vb")).present(t, "received, still with its tag")
	events.that(not(tag(5))).absent(t, "packet without the tag")
}

// none filters on packets without a tag, for which the filter of libpcap checks only the Ethertype.
func (w *tagged) none(t *testing.T) {
	p := start(t, "--filter-func", withTags(), "icmp and not vlan")
	w.send()
	events := p.stop().events
	events.that(echo(8, pingPlain), on("va")).passed(t, marks(chosen()).sent)
	events.that(func(r *record) bool { return r.Tuple.VLAN != nil }).absent(t, "packet with a tag")
}
