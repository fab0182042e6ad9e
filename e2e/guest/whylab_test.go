// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// lab is the network in which drops are provoked: a host a, a router r and a host b. Each scenario has its own ports,
// networks and devices.
type lab struct {
	t *testing.T
	// tb is t, but a skip ends only the scenario.
	tb      testing.TB
	a, r, b *ktest.Netns
	// ports and nets are numbers that no scenario has yet.
	ports, nets []int
	// ra and rb are the links of the router.
	ra, rb wire
}

// wire is a veth pair: the devices near and far with their addresses, both in the same networks.
type wire struct {
	near, far                ktest.End
	near4, near6, far4, far6 netip.Addr
	net4, net6               netip.Prefix
	toFar, toNear            ktest.Link
	nearName, farName        string
}

// networks is the number of networks: 250 for each second byte of an address. Those of the lab begin at 10.71.0.0, and
// those that no host has at 10.81.0.0.
const networks, perByte = 2000, 250

// newLab creates the network. order returns the numbers below n in the order in which to use them.
func newLab(t *testing.T, order func(n int) []int) *lab {
	t.Helper()
	l := &lab{t: t, tb: optional{t}, a: ktest.NewNetns(t, "why-a"), r: ktest.NewNetns(t, "why-r"), b: ktest.NewNetns(t, "why-b"), ports: order(20000), nets: order(networks)}
	for _, n := range []*ktest.Netns{l.a, l.r, l.b} {
		n.SetSysctl(t, "ipv4/conf/all/rp_filter", "0")
		n.SetSysctl(t, "ipv4/conf/default/rp_filter", "0")
		n.SetSysctl(t, "ipv6/conf/default/router_solicitations", "0")
		n.SetSysctl(t, "ipv4/icmp_ratelimit", "0")
	}
	ktest.MakeRouter(t, l.r)
	l.ra, l.rb = l.wire(l.a, l.r), l.wire(l.b, l.r)
	for _, w := range []wire{l.ra, l.rb} {
		ktest.NewRoute(t, w.near.Netns, netip.MustParsePrefix("0.0.0.0/0"), w.far4)
		ktest.NewRoute(t, w.near.Netns, netip.MustParsePrefix("::/0"), w.far6)
	}
	l.reaches(l.a, l.rb.near4) // resolves the neighbours
	l.reaches(l.a, l.rb.near6)
	return l
}

// reaches waits until a ping is answered.
func (l *lab) reaches(from *ktest.Netns, to netip.Addr) {
	l.t.Helper()
	var err error
	for seq := range uint16(5) {
		if err = from.Do(func() error { return ktest.Ping(to, 0x7101, seq) }); err == nil {
			return
		}
	}
	l.t.Fatal(err)
}

// optional is a test in which a skip, for a missing module, is a panic.
type optional struct{ *testing.T }

func (o optional) Skipf(format string, args ...any) { panic(missing(fmt.Sprintf(format, args...))) }

// missing describes what a kernel lacks for a scenario.
type missing string

// provoke sets up the scenarios that this kernel makes possible. In the machines of the tests all modules are present.
func (l *lab) provoke(list ...provocation) (scenarios []scenario) {
	l.t.Helper()
	for _, p := range list {
		s, lacking := l.try(p)
		s.from = p
		if slices.Contains(s.also, unknown) {
			l.t.Errorf("%s: docs/drops.md says where the cause may be unknown, not the scenario", s.cause)
		}
		switch {
		case lacking == "":
			scenarios = append(scenarios, s)
		case isDedicated() && !strings.HasPrefix(string(lacking), lacks):
			l.t.Error(lacking)
		default:
			l.t.Logf("not provoked: %s", lacking)
		}
	}
	return scenarios
}

func (l *lab) try(p provocation) (s scenario, lacking missing) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case missing:
			lacking = r
		default:
			panic(r)
		}
	}()
	return p(l), ""
}

// lacks is the prefix of what a kernel lacks because of its version.
const lacks = "this kernel has no "

// since skips a scenario on kernels before a version, which do not have a drop reason that was added in that version.
func (l *lab) since(version, feature, reason string) {
	if !hasReason(reason) {
		panic(missing(lacks + feature + ", which came with " + version))
	}
}

// having gives up a scenario if the kernel has no function of a feature.
func (l *lab) having(feature, function string) {
	if !hasSymbol(function) {
		panic(missing(lacks + feature))
	}
}

// wire connects two namespaces in networks of their own.
func (l *lab) wire(near, far *ktest.Netns) wire {
	l.t.Helper()
	return l.connect(l.plan(near, far))
}

// connect creates a planned wire.
func (l *lab) connect(w wire) wire {
	l.t.Helper()
	ktest.NewVeth(l.tb, w.near, w.far)
	w.toFar = ktest.Link{Device: w.near.Name, To: ktest.HardwareAddr(l.tb, w.far.Netns, w.far.Name)}
	w.toNear = ktest.Link{Device: w.far.Name, To: ktest.HardwareAddr(l.tb, w.near.Netns, w.near.Name)}
	return w
}

// plan returns the names and addresses of a wire that does not exist yet.
func (l *lab) plan(near, far *ktest.Netns) wire {
	n := l.net()
	addr := netip.MustParseAddr
	w := wire{
		near4: addr(fmt.Sprintf("10.%d.%d.2", 71+n/perByte, n%perByte)), far4: addr(fmt.Sprintf("10.%d.%d.1", 71+n/perByte, n%perByte)),
		near6: addr(fmt.Sprintf("fd71:%x::2", n+1)), far6: addr(fmt.Sprintf("fd71:%x::1", n+1)),
		nearName: fmt.Sprintf("n%d", n), farName: fmt.Sprintf("f%d", n),
	}
	w.net4, w.net6 = netip.PrefixFrom(w.near4, 24).Masked(), netip.PrefixFrom(w.near6, 64).Masked()
	w.near = ktest.End{Netns: near, Name: w.nearName, Addresses: []netip.Prefix{netip.PrefixFrom(w.near4, 24), netip.PrefixFrom(w.near6, 64)}}
	w.far = ktest.End{Netns: far, Name: w.farName, Addresses: []netip.Prefix{netip.PrefixFrom(w.far4, 24), netip.PrefixFrom(w.far6, 64)}}
	return w
}

// broadcast returns the broadcast address of the IPv4 network.
func (w *wire) broadcast() netip.Addr {
	last := w.net4.Addr().As4()
	last[3] = 255
	return netip.AddrFrom4(last)
}

// port returns a port that no scenario has.
func (l *lab) port() uint16 {
	n := l.ports[0]
	l.ports = l.ports[1:]
	return uint16(10000 + n)
}

// net returns a number for a network that no scenario has.
func (l *lab) net() int {
	n := l.nets[0]
	l.nets = l.nets[1:]
	return n
}

// remote4 and remote6 return a network that no host has, and an address in it.
func (l *lab) remote4() (netip.Prefix, netip.Addr) {
	n := l.net()
	p := netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", 81+n/perByte, n%perByte))
	return p, p.Addr().Next()
}

func (l *lab) remote6() (netip.Prefix, netip.Addr) {
	p := netip.MustParsePrefix(fmt.Sprintf("fd72:%x::/64", l.net()+1))
	return p, p.Addr().Next()
}

// do calls f in a namespace.
func (l *lab) do(n *ktest.Netns, f func() error) {
	l.t.Helper()
	do(l.t, n, f)
}

// toB and toB6 return a datagram from a to a port of b.
func (l *lab) toB(port uint16) ktest.UDP {
	return ktest.UDP{From: netip.AddrPortFrom(l.ra.near4, port), To: netip.AddrPortFrom(l.rb.near4, port), Size: 20}
}

func (l *lab) toB6(port uint16) ktest.UDP {
	return ktest.UDP{From: netip.AddrPortFrom(l.ra.near6, port), To: netip.AddrPortFrom(l.rb.near6, port), Size: 20}
}

// sends returns a function that sends a datagram from a.
func (l *lab) sends(u ktest.UDP) func() {
	return func() {
		l.t.Helper()
		l.do(l.a, func() error { return u.Send(1) })
	}
}

// transmits returns a function that sends a packet in a frame from one end of a wire to the other.
func (l *lab) transmits(n *ktest.Netns, link ktest.Link, packet []byte) func() {
	return func() {
		l.t.Helper()
		l.do(n, func() error {
			err := link.SendPacket(packet)
			if errors.Is(err, unix.ENOBUFS) { // the device or its queue has dropped it
				return nil
			}
			return err
		})
	}
}

// toPort matches packets to a port.
func toPort(n uint16) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Dport != nil && *r.Tuple.Dport == int(n) }
}

// toAddr matches packets to an address.
func toAddr(addr netip.Addr) func(*record) bool { return to(addr.String()) }

// every matches rows that match all tests.
func every(tests ...func(*record) bool) func(*record) bool {
	return func(r *record) bool { return len(records{*r}.that(tests...)) == 1 }
}

// hardware is an address that no device has.
var hardware = net.HardwareAddr{2, 0, 0, 0, 0, 0x77}

// Flags of a TCP header.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

const (
	experimental    = 253    // an IP protocol that no module handles
	localExperiment = 0x88b5 // an EtherType that no module handles
)

// etherType matches packets by their EtherType.
func etherType(n int) func(*record) bool {
	return func(r *record) bool { return r.Proto == n }
}
