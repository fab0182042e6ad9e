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

// country is four hosts: packets go from a to b, by wires of their own or by way of
// one of two routers, a plain one and one that knows connections.
type country struct {
	a, b, plain, tracking *ktest.Netns
}

func newCountry(t *testing.T) *country {
	t.Helper()
	c := &country{ktest.NewNetns(t, "a"), ktest.NewNetns(t, "b"), ktest.NewNetns(t, "plain"), ktest.NewNetns(t, "tracking")}
	ktest.MakeRouter(t, c.plain)
	ktest.MakeRouter(t, c.tracking)
	ktest.TrackConnections(t, c.tracking)
	return c
}

// way is a way from a to b and what a packet goes through on it.
type way struct {
	name string
	// lay makes the devices.
	lay func(*path)
	// proofs are functions that only a packet passes that goes this way: of each
	// line, separated by bars, one at least.
	proofs []string
	// origins are those of the packet's parts, with bars likewise.
	origins []string
	// here is nil, or says whether the kernel can do it; docs/following.md says why
	// some can't.
	here func() bool
}

// Sizes of the datagrams that are sent on a way: the one that is followed, another
// one of the same kind, and a stranger that the filter does not match. Whatever is
// put around them, their lengths tell them apart.
const (
	mineSize, otherSize, strangerSize = 100, 300, 700
)

// path is a way laid in a country. Numbers in addresses, names and ports are its
// own, so that all paths are there at the same time.
type path struct {
	*way
	*country
	// t is of the laying alone, lasting that of the whole country.
	t, lasting *testing.T
	number     int
	// middle is the host between a and b, nil for none.
	middle *ktest.Netns
	ends   []ktest.End
	// begin is how its addresses begin.
	begin []string

	// to is where a sends to, port where it is received: with another number where
	// that is translated.
	to   netip.Addr
	port int
	// extra makes the datagrams longer. Lengths tell nothing then.
	extra int
	// segment and join are for segments of UDP.
	segment int
	join    bool
	// back says that the datagram comes back to a and does not get to b.
	back bool
	// flow sends over TCP.
	flow bool
	taps []*ktest.Tap
	// programs count what XDP programs acted on.
	programs []*ktest.XDPCount
}

// Ports: the three senders have their own on each path. The filter of packets that
// are followed has the first of the destination's.
const (
	minePort, otherPort, strangerPort = 10000, 11000, 12000
	followedPort, ignoredPort         = 7200, 7100
	translatedPort                    = 9200
)

func (p *path) host(network, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(network), byte(p.number), byte(host)})
}

func (p *path) host6(network, host int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd%02d:%d::%d", network, p.number, host))
}

// both are a device's addresses of IPv4 and IPv6.
func (p *path) both(network, host int) []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(p.host(network, host), 24), netip.PrefixFrom(p.host6(network, host), 64)}
}

// device is the path's device with this beginning of its name.
func (p *path) device(name string) string { return fmt.Sprintf("%s%d", name, p.number) }

// The path's networks: near is that of a and far that of b, where they differ, and
// inner those within a tunnel.
const (
	near, far, inner = 20, 21, 22
	// gateway is a router's host number.
	gateway = 254
)

// veth lays a wire, which has to be up when all are laid.
func (p *path) veth(a, b ktest.End) {
	ktest.LayVeth(p.t, a, b)
	p.ends = append(p.ends, a, b)
}

// wire joins a and b.
func (p *path) wire() {
	p.veth(
		ktest.End{Netns: p.a, Name: p.device("va"), Addresses: p.both(near, 1)},
		ktest.End{Netns: p.b, Name: p.device("vb"), Addresses: p.both(near, 2)})
	p.to = p.host(near, 2)
}

// through joins a and b to a host between them, which has no addresses.
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

// routed joins a and b by way of a router.
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

// has says whether an address is of the path's networks, by how it is written.
func (p *path) has(addr string) bool {
	return slices.ContainsFunc(p.begin, func(begin string) bool { return strings.HasPrefix(addr, begin) })
}

// beginnings are those of all addresses of a path.
func beginnings(number int) []string {
	var list []string
	for _, network := range []int{near, far, inner} {
		list = append(list, fmt.Sprintf("10.%d.%d.", network, number), fmt.Sprintf("fd%02d:%d::", network, number))
	}
	return list
}

// sender is one of a path's datagrams: what it is full of, how long it is, and its
// ports.
type sender struct {
	letter         byte
	size, port, to int
}

func (p *path) senders() []sender {
	return []sender{
		{'m', p.extra + mineSize, minePort + p.number, followedPort + p.number},
		{'o', p.extra + otherSize, otherPort + p.number, followedPort + p.number},
		{'s', p.extra + strangerSize, strangerPort + p.number, ignoredPort + p.number},
	}
}

// walk sends one datagram of each sender. All are on their way, in the receiver's
// queue at last, until the last one has been sent.
func (p *path) walk() error {
	if p.flow {
		return p.talk()
	}
	var ear net.PacketConn
	err := p.b.Do(func() (err error) {
		ear, err = ktest.ListenUDP(netip.AddrPortFrom(p.anywhere(), uint16(p.port)))
		return err
	})
	if err != nil {
		return err
	}
	defer ear.Close()
	if p.join {
		if err := ktest.JoinDatagrams(ear); err != nil {
			return err
		}
	}
	mouths, err := p.say()
	defer closeAll(mouths)
	if err != nil {
		return err
	}
	if p.back {
		return errors.Join(hear(mouths[0], 'm', p.senders()[0].size), hear(mouths[1], 'o', p.senders()[1].size))
	}
	return errors.Join(hearBoth(ear, p.senders()), p.drain())
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

// say sends what is to be sent, and leaves the sockets open.
func (p *path) say() ([]net.PacketConn, error) {
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

// patience is how long a datagram may take.
const patience = 10 * time.Second

// hear waits for so many bytes of a letter.
func hear(c net.PacketConn, letter byte, size int) error {
	return hearBoth(c, []sender{{letter: letter, size: size}})
}

// hearBoth waits for the bytes of all senders but a third one, whoever else sends.
func hearBoth(c net.PacketConn, senders []sender) error {
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
			return fmt.Errorf("bytes that did not come %v: %w", missing, err)
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

// talk has two connections at the same time, with one big packet each, and then a
// stranger's, which is refused.
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
		return errors.New("connected to a port where nobody listens")
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
		return c.(*net.TCPConn).SetLinger(0) // so that the port can be had again at once
	})
}

// exchange sends through two connections, each of which has two ends here, and
// only then reads.
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

// Whose a packet is, as far as an event tells.
const mine, other, stranger = "mine", "other", "stranger"

var owners = []string{mine, other, stranger}

// whose says whose packet an event of this path is of: by the sender's port, which
// no translation changes here, or by the length, whatever is around the datagram.
// It is empty where that can't be told.
func (p *path) whose(r *record) string {
	for i, first := range []int{minePort, otherPort, strangerPort} {
		if isPort(r.Tuple.Sport, first+p.number) || isPort(r.Tuple.Dport, first+p.number) { // the latter is sent back
			return owners[i]
		}
	}
	if p.extra > 0 || !p.mayCarry(r) {
		return ""
	}
	const around = 130 // bytes of headers and padding at most
	for i, size := range []int{mineSize, otherSize, strangerSize} {
		if r.Len >= size && r.Len < size+around {
			return owners[i]
		}
	}
	return ""
}

func isPort(p *int, port int) bool { return p != nil && *p == port }

// mayCarry: the path's datagrams are within packets of these protocols. Errors
// (ICMP) that quote a datagram are packets of their own.
func (p *path) mayCarry(r *record) bool {
	here := p.has(r.Tuple.Source) || p.has(r.Tuple.Dest)
	return here && r.Tuple.ICMP == nil && r.Tuple.ARP == nil && r.Tuple.Protocol != "icmp6" && r.Tuple.Protocol != "tcp"
}

// of are the events that are known to be of somebody's packet.
func (p *path) of(who string) func(*record) bool {
	return func(r *record) bool { return p.whose(r) == who }
}

// astray is what is wrong with the places that a packet has been to: it has to leave
// a, and to arrive.
func (p *path) astray(events records) []string {
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

// unproven are the proofs of which no function was passed.
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

func TestWhose(t *testing.T) {
	p := &path{number: 5, begin: beginnings(5)}
	whole := &path{number: 5, begin: beginnings(5), extra: 3000}
	for line, want := range map[string]string{
		`{"len":128,"tuple":{"saddr":"10.20.5.1","sport":10005,"dport":7205}}`: mine,
		`{"len":128,"tuple":{"saddr":"10.20.5.2","sport":7205,"dport":10005}}`: mine, // sent back
		`{"len":128,"tuple":{"saddr":"10.20.6.1","sport":10006,"dport":7206}}`: "",   // on another path
		`{"len":128,"tuple":{"saddr":"10.20.6.1","sport":11005,"dport":7205}}`: other,
		`{"len":192,"tuple":{"saddr":"10.20.5.1","sport":40000,"dport":8472}}`: mine, // within a tunnel
		`{"len":396,"tuple":{"daddr":"10.20.5.2","protocol":"esp"}}`:           other,
		`{"len":742,"tuple":{"saddr":"fd20:5::1","protocol":"udp"}}`:           stranger,
		`{"len":128,"tuple":{"saddr":"10.20.55.1","protocol":"udp"}}`:          "",
		`{"len":128,"tuple":{"saddr":"10.20.5.1","icmp":{"type":3,"code":3}}}`: "",
		`{"len":1500,"tuple":{"saddr":"10.20.5.1","protocol":"udp"}}`:          "",
	} {
		if got := p.whose(&canned(t, line)[0]); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if got := whole.whose(&canned(t, `{"len":128,"tuple":{"saddr":"10.20.5.1","protocol":"udp"}}`)[0]); got != "" {
		t.Errorf("a fragment is told by its length: %q", got)
	}
}
