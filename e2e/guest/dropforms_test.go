// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// firstTuple is the JSON member first_tuple of a drop.
type firstTuple struct {
	By    string `json:"by"`
	Tuple tuple  `json:"tuple"`
}

// changing is a network of a host a, a router r and a host b in which packets change before they are dropped:
//   - r translates port 5301 to port 5353 of b, which is closed;
//   - r translates port 5302 to port 5354 of b, and drops the translated packet;
//   - r translates port 5307 to port 5355 of b, and drops the answer;
//   - a drops all incoming ICMP;
//   - a has a tunnel to b, but b has no tunnel.
type changing struct {
	t       *testing.T
	a, r, b *ktest.Netns
}

func newChanging(t *testing.T) *changing {
	t.Helper()
	c := &changing{t, ktest.NewNetns(t, "a"), ktest.NewNetns(t, "r"), ktest.NewNetns(t, "b")}
	ktest.NewVeth(t, ktest.End{Netns: c.a, Name: "va", Addresses: prefixes("10.9.1.1/24")}, ktest.End{Netns: c.r, Name: "ra", Addresses: prefixes("10.9.1.254/24")})
	ktest.NewVeth(t, ktest.End{Netns: c.b, Name: "vb", Addresses: prefixes("10.9.2.2/24")}, ktest.End{Netns: c.r, Name: "rb", Addresses: prefixes("10.9.2.254/24")})
	ktest.MakeRouter(t, c.r)
	ktest.NewRoute(t, c.a, netip.MustParsePrefix("10.9.2.0/24"), netip.MustParseAddr("10.9.1.254"))
	ktest.NewRoute(t, c.b, netip.MustParsePrefix("10.9.1.0/24"), netip.MustParseAddr("10.9.2.254"))
	ktest.DNAT(t, c.r, 5301, netip.MustParseAddrPort("10.9.2.2:5353"))
	ktest.DNAT(t, c.r, 5302, netip.MustParseAddrPort("10.9.2.2:5354"))
	ktest.DNAT(t, c.r, 5307, netip.MustParseAddrPort("10.9.2.2:5355"))
	ktest.DropForwarded(t, c.r, 5354)
	ktest.DropForwarded(t, c.r, 7007)
	ktest.DropICMP(t, c.a)
	c.b.SetSysctl(t, "ipv4/icmp_ratelimit", "0")
	ktest.NewTunnel(t, ktest.End{Netns: c.a, Name: "vx", Addresses: prefixes("10.8.1.1/24")},
		ktest.Tunnel{Kind: "vxlan", ID: 42, Port: 4789, Local: netip.MustParseAddr("10.9.1.1"), Remote: netip.MustParseAddr("10.9.2.2")})
	ping(t, c.b, "10.9.2.254", 0x4001) // resolves the neighbours
	do(t, c.a, func() error { return udp("10.9.1.1:6999", "10.9.2.2:5399").Send(1) })
	return c
}

// send sends a datagram to each of the ports, and one through the tunnel.
func (c *changing) send(t *testing.T) {
	t.Helper()
	for _, to := range []string{"10.9.1.254:5301", "10.9.1.254:5302", "10.9.2.2:5303"} {
		u := udp("10.9.1.1:7001", to)
		u.Shared = true
		do(t, c.a, func() error { return u.Send(1) })
	}
	do(t, c.a, func() error { return udp("10.9.1.1:7007", "10.9.1.254:5307").Send(1) })
	do(t, c.b, func() error { return udp("10.9.2.2:5355", "10.9.1.1:7007").Send(1) })
	do(t, c.a, func() error {
		return ktest.SendFrame("vx", net.HardwareAddr{2, 0, 0, 0, 0, 9}, ktest.Datagram(udp("10.8.1.1:7001", "10.8.1.2:5304")))
	})
}

// drops runs tracer with the arguments, sends the packets, and returns the drops in the namespaces of the test.
func (c *changing) drops(t *testing.T, args ...string) records {
	t.Helper()
	p := start(t, append([]string{"--drop"}, args...)...)
	c.send(t)
	events := p.stop().events
	events.that(not(dropped)).absent(t, "no drop")
	return events.that(func(r *record) bool { return within(c.a)(r) || within(c.r)(r) || within(c.b)(r) })
}

// wasFirst matches events whose first_tuple comes from this source ("by"), and has these addresses and ports.
func wasFirst(by, source, dest string, sport, dport int) func(*record) bool {
	return func(r *record) bool {
		if r.First == nil || r.First.By != by {
			return false
		}
		first := record{Tuple: r.First.Tuple}
		return from(source)(&first) && to(dest)(&first) && ports(sport, dport)(&first)
	}
}

// TestDropsByFirstTuple checks that a filter which matches a packet as it was sent also matches its drop, although
// the packet has changed.
func TestDropsByFirstTuple(t *testing.T) {
	c := newChanging(t)
	t.Run("translated by the host that drops", func(t *testing.T) {
		drops := c.drops(t, "udp dst port 5302")
		drops.that(within(c.r), ports(7001, 5354), wasFirst("conntrack", "10.9.1.1", "10.9.1.254", 7001, 5302)).present(t, "datagram to port 5302")
		drops.that(ports(7001, 5354), not(wasFirst("conntrack", "10.9.1.1", "10.9.1.254", 7001, 5302))).absent(t, "another connection")
	})
	t.Run("only the other direction", func(t *testing.T) {
		c.drops(t, "udp src port 5302").that(ports(7001, 5354)).absent(t, "datagram to port 5302")
	})
	t.Run("an answer before its address is translated back", func(t *testing.T) {
		drops := c.drops(t, "udp src port 5307")
		drops.that(within(c.r), ports(5355, 7007), wasFirst("nat", "10.9.1.254", "10.9.1.1", 5307, 7007)).present(t, "answer from port 5307")
		c.drops(t, "udp dst port 5307").that(ports(5355, 7007)).absent(t, "answer to port 5307")
	})
	t.Run("quoted by an ICMP error", func(t *testing.T) {
		drops := c.drops(t, "udp dst port 5303")
		drops.that(within(c.a), protocol("icmp"), wasFirst("icmp", "10.9.1.1", "10.9.2.2", 7001, 5303)).present(t, "error about port 5303")
		drops.that(within(c.b), ports(7001, 5303)).present(t, "datagram to port 5303")
	})
	t.Run("inside of a tunnel", func(t *testing.T) {
		drops := c.drops(t, "udp dst port 5304")
		drops.that(within(c.b), to("10.9.2.2"), wasFirst("inner", "10.8.1.1", "10.8.1.2", 7001, 5304)).present(t, "datagram in VXLAN")
	})
	t.Run("a filter on other fields", func(t *testing.T) {
		c.drops(t, "udp dst port 5302 and udp[4:2] = 28").that(within(c.r), ports(7001, 5354)).present(t, "datagram of that length")
		c.drops(t, "udp dst port 5302 and udp[4:2] = 29").that(within(c.r), ports(7001, 5354)).absent(t, "datagram of another length")
	})
	t.Run("without a filter", func(t *testing.T) {
		drops := c.drops(t)
		drops.that(within(c.r), ports(7001, 5354), wasFirst("conntrack", "10.9.1.1", "10.9.1.254", 7001, 5302)).present(t, "the tuple before NAT")
	})
}

// ruled matches drops whose cause is a rule of nftables.
func ruled(r *record) bool { return r.Why != nil && strings.HasPrefix(r.Why.Cause, "nft-rule") }

// TestCausesOfChangedPackets checks that the cause of a drop is known if the packet matched the filter before NAT or
// encapsulation changed it: the rule is evaluated after that. If only the packet inside matches, the row says how to get
// the cause.
func TestCausesOfChangedPackets(t *testing.T) {
	needFunctions(t)
	c := newChanging(t)
	ktest.DropForwarded(t, c.r, 4789)
	t.Run("translated", func(t *testing.T) {
		drops := c.drops(t, "udp dst port 5302").that(within(c.r), ports(7001, 5354))
		drops.that(ruled).present(t, "drop by a rule")
		drops.that(not(ruled)).absent(t, "drop without its cause")
	})
	t.Run("an answer", func(t *testing.T) {
		drops := c.drops(t, "udp src port 5307").that(within(c.r), ports(5355, 7007))
		drops.that(ruled).present(t, "drop by a rule")
		drops.that(not(ruled)).absent(t, "drop without its cause")
	})
	t.Run("encapsulated and followed", func(t *testing.T) {
		drops := c.drops(t, "--filter-track-skb", "udp dst port 5304").that(within(c.r), to("10.9.2.2"))
		drops.that(ruled).present(t, "drop by a rule")
		drops.that(not(ruled)).absent(t, "drop without its cause")
	})
	t.Run("encapsulated", func(t *testing.T) {
		drops := c.drops(t, "udp dst port 5304").that(within(c.r), to("10.9.2.2"))
		drops.that(func(r *record) bool {
			return r.Why != nil && r.Why.Cause == "unknown" && strings.Contains(r.Why.Remedy, "--filter-track-skb")
		}).present(t, "drop that says how to get its cause")
	})
}

// TestFollowedToItsDrop checks that --filter-track-skb finds the drop of a translated packet on a host that does not
// have its conntrack entry. Without the flag the drop is not found. Only drops are printed.
func TestFollowedToItsDrop(t *testing.T) {
	c := newChanging(t)
	const filter = "dst host 10.9.1.254 and udp dst port 5301"
	c.drops(t, filter).that(within(c.b)).absent(t, "without following")
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			drops := c.drops(t, "--backend", backend, "--filter-track-skb", "("+filter+") or udp dst port 5304")
			drops.that(within(c.b), ports(7001, 5353), wasFirst("followed", "10.9.1.1", "10.9.1.254", 7001, 5301)).present(t, "datagram to port 5301")
			vxlan := wasFirst("followed", "10.8.1.1", "10.8.1.2", 7001, 5304)
			drops.that(within(c.b), vxlan).present(t, "datagram in VXLAN")
			drops.that(within(c.b), not(ports(7001, 5353)), not(vxlan)).absent(t, "another packet")
		})
	}
}

// TestDropOfICMPErrorFollowedByStack checks that the ICMP error which b creates for a datagram is followed to its
// drop by a. Only drops are printed, though all functions are probed.
func TestDropOfICMPErrorFollowedByStack(t *testing.T) {
	backend := chosen()
	if backend == tracepoint {
		t.Skip("needs function probes")
	}
	c := newChanging(t)
	drops := c.drops(t, "--filter-track-skb-by-stackid", "udp dst port 5303")
	drops.that(within(c.a), protocol("icmp"), func(r *record) bool { return r.Origin != "" && r.ID == drops[0].ID }).present(t, "error about port 5303, by "+backend)
	drops.that(within(c.b), ports(7001, 5303)).present(t, "datagram to port 5303")
}

// TestLaterFragmentsAreFollowed checks that the drops of later fragments, which have no ports, have the number of
// their packet.
func TestLaterFragmentsAreFollowed(t *testing.T) {
	c := newChanging(t)
	ktest.DropLaterFragments(t, c.r)
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			p := start(t, "--drop", "--backend", backend, "--filter-track-skb", "udp dst port 5305")
			for _, to := range []string{"10.9.2.2:5305", "10.9.2.2:5306"} {
				u := udp("10.9.1.1:7001", to)
				u.Size, u.Shared = 3000, true
				do(t, c.a, func() error { return u.Send(1) })
			}
			drops := p.stop().events.that(within(c.r))
			for _, offset := range []int{1480, 2960} {
				later := drops.that(func(r *record) bool { return r.Tuple.Fragment && r.Tuple.Offset == offset })
				if len(later) != 1 || later[0].ID != drops[0].ID || later[0].Origin != "fragment" || !wasFirst("followed", "10.9.1.1", "10.9.2.2", 7001, 5305)(&later[0]) {
					t.Errorf("offset %d: %d drops: %s", offset, len(later), later.briefly())
				}
			}
		})
	}
}

// TestSummaryListsUnseenDrops checks that a run without events lists, in the summary and on stderr, which drops
// it could not see, such as those of fragments without ports.
func TestSummaryListsUnseenDrops(t *testing.T) {
	c := newChanging(t)
	p := start(t, "--drop", "udp dst port 5399 and host 10.9.2.250")
	do(t, c.a, func() error { return ktest.SendFrame("va", net.HardwareAddr{2, 0, 0, 0, 0, 9}, laterFragment()) })
	tr := p.stop()
	for _, key := range []string{"dropped_fragments", "nat_without_connection", "unreported_drops"} {
		if !slices.Contains(tr.summary.Unseen, key) {
			t.Errorf("unseen %q lacks %s", tr.summary.Unseen, key)
		}
	}
	if text := p.stderr(); !strings.Contains(text, "Not looked at:\n") || !strings.Contains(text, "  dropped fragments without the ports") {
		t.Errorf("stderr %q", text)
	}
}

// laterFragment returns an IPv4 fragment with an offset, to an address without a host.
func laterFragment() []byte {
	packet := ktest.Datagram(udp("10.9.1.1:7001", "10.9.2.250:5399"))
	packet[6], packet[7] = 0, 10 // 80 bytes
	packet[10], packet[11] = 0, 0
	return packet
}
