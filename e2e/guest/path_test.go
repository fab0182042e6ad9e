// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// topology is four hosts: packets go from a to b, directly or through one of two routers. The router tracking has
// connection tracking.
type topology struct {
	a, b, plain, tracking *ktest.Netns
}

func newTopology(t *testing.T) *topology {
	t.Helper()
	c := &topology{ktest.NewNetns(t, "a"), ktest.NewNetns(t, "b"), ktest.NewNetns(t, "plain"), ktest.NewNetns(t, "tracking")}
	ktest.MakeRouter(t, c.plain)
	ktest.MakeRouter(t, c.tracking)
	ktest.TrackConnections(t, c.tracking)
	return c
}

// way is a way from a to b, with the expected functions and origins of a packet on it.
type way struct {
	name string
	// setUp sets up the devices.
	setUp func(*path)
	// proofs are functions that only packets on this way pass. Each element lists alternatives, separated by
	// bars, of which one must be seen.
	proofs []string
	// origins are the expected origins of the packet's parts, with alternatives as in proofs.
	origins []string
	// isSupported reports whether the kernel supports the way, nil means always. docs/following.md explains why
	// some kernels do not.
	isSupported func() bool
}

// Sizes of the datagrams that are sent on each way: two that are followed, and an unrelated one that
// the filter does not match. They differ enough to identify the datagram by its length, whatever headers are added.
const (
	mineSize, otherSize, unrelatedSize = 100, 300, 700
)

// path is a way that is set up in a topology. Addresses, device names and ports contain its number,
// so that all paths can exist at the same time.
type path struct {
	*way
	*topology
	// t is the test that sets up the path, lasting the test of the whole topology.
	t, lasting *testing.T
	number     int
	// middle is the host between a and b, nil for none.
	middle *ktest.Netns
	ends   []ktest.End
	// begin has the prefixes of its addresses, as text.
	begin []string

	// to is the destination address. port is the port at which b receives, which differs from the destination
	// port if that is translated.
	to   netip.Addr
	port int
	// extra is added to the length of the datagrams. If it is not 0, lengths do not identify datagrams.
	extra int
	// segment is the UDP segment size (GSO), join enables UDP GRO at the receiver.
	segment int
	join    bool
	// back is true if an XDP program in b sends the datagram back to a.
	back bool
	// flow uses TCP instead of UDP.
	flow bool
	taps []*ktest.Tap
	// programs count the packets that XDP programs acted on.
	programs []*ktest.XDPCount
}

// First port numbers; the path's number is added. Each of the three senders has its own source port. The
// filter of followed packets matches destination ports from followedPort on.
const (
	minePort, otherPort, unrelatedPort = 10000, 11000, 12000
	followedPort, ignoredPort          = 7200, 7100
	translatedPort                     = 9200
)

func (p *path) host(network, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(network), byte(p.number), byte(host)})
}

func (p *path) host6(network, host int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd%02d:%d::%d", network, p.number, host))
}

// both returns a device's IPv4 and IPv6 address.
func (p *path) both(network, host int) []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(p.host(network, host), 24), netip.PrefixFrom(p.host6(network, host), 64)}
}

// device returns the name of the path's device with this prefix.
func (p *path) device(name string) string { return fmt.Sprintf("%s%d", name, p.number) }

// The path's networks: near is the network of a, far the network of b if it differs, and inner the network inside a
// tunnel.
const (
	near, far, inner = 20, 21, 22
	// gateway is a router's host number.
	gateway = 254
)

// veth creates a veth pair. setUp waits until all of them are up.
func (p *path) veth(a, b ktest.End) {
	ktest.NewVethNoWait(p.t, a, b)
	p.ends = append(p.ends, a, b)
}

// wire connects a and b directly.
func (p *path) wire() {
	p.veth(
		ktest.End{Netns: p.a, Name: p.device("va"), Addresses: p.both(near, 1)},
		ktest.End{Netns: p.b, Name: p.device("vb"), Addresses: p.both(near, 2)})
	p.to = p.host(near, 2)
}

// through connects a and b to a host between them, which has no addresses.
func (p *path) through(middle *ktest.Netns) {
	p.middle = middle
	p.veth(
		ktest.End{Netns: p.a, Name: p.device("va"), Addresses: p.both(near, 1)},
		ktest.End{Netns: middle, Name: p.device("ma")})
	p.veth(
		ktest.End{Netns: p.b, Name: p.device("vb"), Addresses: p.both(near, 2)},
		ktest.End{Netns: middle, Name: p.device("mb")})
	p.to = p.host(near, 2)
}

// routed connects a and b by a router.
func (p *path) routed(router *ktest.Netns) {
	p.middle = router
	p.veth(
		ktest.End{Netns: p.a, Name: p.device("va"), Addresses: p.both(near, 1)},
		ktest.End{Netns: router, Name: p.device("ma"), Addresses: p.both(near, gateway)})
	p.veth(
		ktest.End{Netns: p.b, Name: p.device("vb"), Addresses: p.both(far, 2)},
		ktest.End{Netns: router, Name: p.device("mb"), Addresses: p.both(far, gateway)})
	for i, nearby := range p.both(near, gateway) {
		beyond := p.both(far, gateway)[i]
		ktest.NewRoute(p.t, p.a, beyond.Masked(), nearby.Addr())
		ktest.NewRoute(p.t, p.b, nearby.Masked(), beyond.Addr())
	}
	p.to = p.host(far, 2)
}

// has reports whether an address is in the path's networks, by its text.
func (p *path) has(addr string) bool {
	return slices.ContainsFunc(p.begin, func(begin string) bool { return strings.HasPrefix(addr, begin) })
}

// beginnings returns the prefixes of all addresses of a path, as text.
func beginnings(number int) []string {
	var list []string
	for _, network := range []int{near, far, inner} {
		list = append(list, fmt.Sprintf("10.%d.%d.", network, number), fmt.Sprintf("fd%02d:%d::", network, number))
	}
	return list
}

// sender describes one of a path's datagrams: the letter that fills it, its size and its ports.
type sender struct {
	letter         byte
	size, port, to int
}

func (p *path) senders() []sender {
	return []sender{
		{'m', p.extra + mineSize, minePort + p.number, followedPort + p.number},
		{'o', p.extra + otherSize, otherPort + p.number, followedPort + p.number},
		{'s', p.extra + unrelatedSize, unrelatedPort + p.number, ignoredPort + p.number},
	}
}

// walk sends one datagram of each sender, and receives them after all have been sent, so that all exist at the
// same time.
func (p *path) walk() error {
	if p.flow {
		return p.talk()
	}
	var receiver net.PacketConn
	err := p.b.Do(func() (err error) {
		receiver, err = ktest.ListenUDP(netip.AddrPortFrom(p.anywhere(), uint16(p.port)))
		return err
	})
	if err != nil {
		return err
	}
	defer receiver.Close()
	if p.join {
		if err := ktest.EnableUDPGRO(receiver); err != nil {
			return err
		}
	}
	sockets, err := p.sendAll()
	defer closeAll(sockets)
	if err != nil {
		return err
	}
	if p.back {
		return errors.Join(receiveBytes(sockets[0], 'm', p.senders()[0].size), receiveBytes(sockets[1], 'o', p.senders()[1].size))
	}
	return errors.Join(receiveBoth(receiver, p.senders()), p.drain())
}

func (p *path) drain() error {
	for _, tap := range p.taps {
		if n, err := tap.Drain(); err != nil || n == 0 {
			return fmt.Errorf("packet socket got %d packets: %v", n, err)
		}
	}
	return nil
}

func (p *path) anywhere() netip.Addr {
	if p.to.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// sendAll sends one datagram of each sender, and returns the open sockets.
func (p *path) sendAll() ([]net.PacketConn, error) {
	var open []net.PacketConn
	return open, p.a.DoAs("following", func() error {
		for _, s := range p.senders() {
			c, err := ktest.UDP{From: netip.AddrPortFrom(p.anywhere(), uint16(s.port)), Segment: p.segment}.Open()
			if err != nil {
				return err
			}
			open = append(open, c)
			to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.to, uint16(s.to)))
			if _, err := c.WriteTo(bytes.Repeat([]byte{s.letter}, s.size), to); err != nil {
				return err
			}
		}
		return nil
	})
}

func closeAll(list []net.PacketConn) {
	for _, c := range list {
		c.Close()
	}
}

// patience is the timeout for a datagram.
const patience = 10 * time.Second

// receiveBytes waits for size bytes of a letter.
func receiveBytes(c net.PacketConn, letter byte, size int) error {
	return receiveBoth(c, []sender{{letter: letter, size: size}})
}

// receiveBoth waits for the bytes of the first two senders, and ignores others.
func receiveBoth(c net.PacketConn, senders []sender) error {
	missing := make(map[byte]int)
	for _, s := range senders[:min(2, len(senders))] {
		missing[s.letter] = s.size
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	b := make([]byte, 1<<16)
	for len(missing) > 0 {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return fmt.Errorf("missing bytes %v: %w", missing, err)
		}
		if n == 0 {
			continue
		}
		if missing[b[0]] -= n; missing[b[0]] <= 0 {
			delete(missing, b[0])
		}
	}
	return nil
}

// talk opens two connections at the same time, with one big packet each, and then one of the unrelated
// sender, which is refused.
func (p *path) talk() error {
	listener, err := p.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	var ends []net.Conn
	defer func() {
		for _, c := range ends {
			c.Close()
		}
	}()
	for _, s := range p.senders()[:2] {
		c, err := p.connect(s)
		if err != nil {
			return err
		}
		ends = append(ends, c)
		end, err := listener.Accept()
		if err != nil {
			return err
		}
		ends = append(ends, end)
	}
	if c, err := p.connect(p.senders()[2]); err == nil {
		c.Close()
		return errors.New("connected to a port without a listener")
	}
	return p.exchange(ends)
}

func (p *path) listen() (l net.Listener, err error) {
	return l, p.b.Do(func() error {
		l, err = net.Listen("tcp", netip.AddrPortFrom(p.to, uint16(p.port)).String())
		return err
	})
}

func (p *path) connect(s sender) (c net.Conn, err error) {
	connection := ktest.TCP{
		Client: netip.AddrPortFrom(p.host(near, 1), uint16(s.port)),
		Server: netip.AddrPortFrom(p.to, uint16(s.to)),
	}
	return c, p.a.DoAs("following", func() error {
		if c, err = connection.Connect(); err != nil {
			return err
		}
		return c.(*net.TCPConn).SetLinger(0) // avoids TIME_WAIT, so that the port can be reused
	})
}

// exchange sends on two connections, whose two ends each are in ends, and only then reads.
func (p *path) exchange(ends []net.Conn) error {
	for i, s := range p.senders()[:2] {
		if _, err := ends[2*i].Write(bytes.Repeat([]byte{s.letter}, s.size)); err != nil {
			return err
		}
	}
	for i, s := range p.senders()[:2] {
		if err := ends[2*i+1].SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := io.ReadFull(ends[2*i+1], make([]byte, s.size)); err != nil {
			return err
		}
	}
	return nil
}

// The owner of a packet is the sender of its datagram.
const mine, other, unrelated = "mine", "other", "unrelated"

var owners = []string{mine, other, unrelated}

// whose returns the owner of the packet of an event on this path, or "" if it is unknown. The owner is identified by
// the sender's port, which is never translated on these paths, or by the length, which may include headers.
func (p *path) whose(r *record) string {
	for i, first := range []int{minePort, otherPort, unrelatedPort} {
		if isPort(r.Tuple.Sport, first+p.number) || isPort(r.Tuple.Dport, first+p.number) { // the destination port if it is sent back
			return owners[i]
		}
	}
	if p.extra > 0 || !p.mayCarry(r) {
		return ""
	}
	const around = 130 // maximum number of bytes of headers and padding
	for i, size := range []int{mineSize, otherSize, unrelatedSize} {
		if r.Len >= size && r.Len < size+around {
			return owners[i]
		}
	}
	return ""
}

func isPort(p *int, port int) bool { return p != nil && *p == port }

// mayCarry reports whether a packet can contain a datagram of the path. ICMP errors that quote a
// datagram are separate packets.
func (p *path) mayCarry(r *record) bool {
	here := p.has(r.Tuple.Source) || p.has(r.Tuple.Dest)
	return here && r.Tuple.ICMP == nil && r.Tuple.ARP == nil && r.Tuple.Protocol != "icmp6" && r.Tuple.Protocol != "tcp"
}

// of matches the events whose packet is known to be of this owner.
func (p *path) of(who string) func(*record) bool {
	return func(r *record) bool { return p.whose(r) == who }
}

// misrouted returns errors if a packet did not leave a, pass the host between a and b, and arrive at b.
func (p *path) misrouted(events records) []string {
	m := marks(chosen())
	var list []string
	want := func(what string, there records, function string) {
		if len(there) == 0 || function != "" && !slices.Contains(there.funcs(), function) {
			list = append(list, fmt.Sprintf("%s %s, only %v", what, function, there.funcs()))
		}
	}
	want("not sent by", events.that(within(p.a)), m.sent)
	want("not at the other end", events.that(within(p.b)), "")
	if p.middle != nil {
		want("not in the host between", events.that(within(p.middle)), "")
	}
	if p.back {
		want("not back in", events.that(within(p.a), sport(followedPort+p.number)), m.udp[len(m.udp)-1])
	}
	return list
}

// unproven returns an error for each proof without an event.
func (p *path) unproven(events records) []string {
	if chosen() == tracepoint {
		return nil // no functions are seen
	}
	var list []string
	for _, proof := range p.proofs {
		if len(events.that(in(strings.Split(proof, "|")...))) == 0 {
			list = append(list, fmt.Sprintf("passed none of %s, only %v", proof, events.funcs()))
		}
	}
	return list
}

func TestPacketOwner(t *testing.T) {
	p := &path{number: 5, begin: beginnings(5)}
	whole := &path{number: 5, begin: beginnings(5), extra: 3000}
	for line, want := range map[string]string{
		`{"len":128,"tuple":{"saddr":"10.20.5.1","sport":10005,"dport":7205}}`: mine,
		`{"len":128,"tuple":{"saddr":"10.20.5.2","sport":7205,"dport":10005}}`: mine, // sent back
		`{"len":128,"tuple":{"saddr":"10.20.6.1","sport":10006,"dport":7206}}`: "",   // on another path
		`{"len":128,"tuple":{"saddr":"10.20.6.1","sport":11005,"dport":7205}}`: other,
		`{"len":192,"tuple":{"saddr":"10.20.5.1","sport":40000,"dport":8472}}`: mine, // within a tunnel
		`{"len":396,"tuple":{"daddr":"10.20.5.2","protocol":"esp"}}`:           other,
		`{"len":742,"tuple":{"saddr":"fd20:5::1","protocol":"udp"}}`:           unrelated,
		`{"len":128,"tuple":{"saddr":"10.20.55.1","protocol":"udp"}}`:          "",
		`{"len":128,"tuple":{"saddr":"10.20.5.1","icmp":{"type":3,"code":3}}}`: "",
		`{"len":1500,"tuple":{"saddr":"10.20.5.1","protocol":"udp"}}`:          "",
	} {
		if got := p.whose(&canned(t, line)[0]); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if got := whole.whose(&canned(t, `{"len":128,"tuple":{"saddr":"10.20.5.1","protocol":"udp"}}`)[0]); got != "" {
		t.Errorf("a fragment is identified by its length: %q", got)
	}
}
