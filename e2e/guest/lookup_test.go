// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// looked is the JSON object of a look-up.
type looked struct {
	Kind   string          `json:"kind"`
	Asked  map[string]any  `json:"asked"`
	Found  *map[string]any `json:"found"`
	Error  *string         `json:"error"`
	Unread bool            `json:"unread"`
}

// lookedUp matches look-ups of a kind with these facts, as name=value.
func lookedUp(kind string, facts ...string) func(*record) bool {
	return func(r *record) bool {
		if r.Lookup == nil || r.Lookup.Kind != kind {
			return false
		}
		for _, fact := range facts {
			if !r.Lookup.has(fact) {
				return false
			}
		}
		return true
	}
}

func (l *looked) has(fact string) bool {
	name, want, _ := strings.Cut(fact, "=")
	switch name {
	case "error":
		return l.Error != nil && *l.Error == want
	case "found":
		return fmt.Sprint(l.Found != nil) == want
	}
	value, ok := l.Asked[name]
	if !ok && l.Found != nil {
		value, ok = (*l.Found)[name]
	}
	if n, isNumber := value.(float64); isNumber {
		return fmt.Sprintf("%.0f", n) == want
	}
	return ok && fmt.Sprint(value) == want
}

// Ports of the two senders: one is traced, the other is not.
const (
	tracedPort, untracedPort = 7001, 7002
	// closedPort has no listener.
	closedPort = 7799
)

// junction is a chain of three hosts, a, b and c. b has routes of each kind, and queueing disciplines with handles.
type junction struct {
	t *testing.T
	*world
	c        *ktest.Netns
	datagram net.PacketConn
	listener net.Listener
}

// kept is the link-layer address in b's permanent neighbour entries for c.
var kept = net.HardwareAddr{2, 0, 0, 0, 0, 0x63}

func newJunction(t *testing.T) *junction {
	t.Helper()
	x := &junction{t: t, world: newWorld(t), c: ktest.NewNetns(t, "c")}
	ktest.NewVeth(t,
		ktest.End{Netns: x.b, Name: "vc", Addresses: prefixes("10.60.0.1/24", "fd60::1/64")},
		ktest.End{Netns: x.c, Name: "vd", Addresses: prefixes("10.60.0.9/24", "fd60::9/64")})
	ktest.MakeRouter(t, x.b)
	for _, to := range []string{"10.50.0.0/16", "10.51.0.0/16", "10.52.0.0/16", "10.53.0.0/16", "10.54.0.0/16"} {
		ktest.NewRoute(t, x.a, netip.MustParsePrefix(to), netip.MustParseAddr(b4))
	}
	for _, to := range []string{"fd50::/32", "fd51::/32", "fd54::/32"} {
		ktest.NewRoute(t, x.a, netip.MustParsePrefix(to), netip.MustParseAddr(b6))
	}
	via4, via6 := netip.MustParseAddr("10.60.0.2"), netip.MustParseAddr("fd60::2")
	ktest.NewRoute(t, x.b, netip.MustParsePrefix("10.50.0.0/16"), via4)
	ktest.NewUnreachableRoute(t, x.b, netip.MustParsePrefix("10.51.0.0/16"))
	ktest.NewRoute(t, x.b, netip.MustParsePrefix("10.52.0.0/16"), netip.MustParseAddr("10.60.0.99"))
	ktest.NewPolicyRoute(t, x.b, netip.MustParsePrefix("10.53.0.0/16"), via4, 123)
	ktest.NewRoute(t, x.b, netip.MustParsePrefix("fd50::/32"), via6)
	ktest.NewUnreachableRoute(t, x.b, netip.MustParsePrefix("fd51::/32"))
	only4, only6 := netip.MustParseAddr("10.60.0.3"), netip.MustParseAddr("fd60::3")
	ktest.NewRoute(t, x.b, netip.MustParsePrefix("10.54.0.0/16"), only4)
	ktest.NewRoute(t, x.b, netip.MustParsePrefix("fd54::/32"), only6)
	for _, neighbour := range []netip.Addr{via4, via6, only4, only6} {
		ktest.SetNeighbour(t, x.b, "vc", neighbour, kept)
	}
	ktest.SetQdisc(t, x.b, "vc", "pfifo_fast", 0x8765)
	ktest.SetQdisc(t, x.a, "va", "pfifo", 0x4321)
	ktest.SetQdisc(t, x.b, "vb", "sfq", 0x1234)
	x.listen()
	ping(t, x.a, b4, 0x3301)
	ping(t, x.a, b6, 0x3302)
	return x
}

func (x *junction) listen() {
	x.t.Helper()
	do(x.t, x.b, func() (err error) {
		if x.datagram, err = ktest.ListenUDP(netip.MustParseAddrPort("[::]:7777")); err != nil {
			return err
		}
		x.t.Cleanup(func() { x.datagram.Close() })
		if x.listener, err = net.Listen("tcp", b4+":7780"); err == nil {
			x.t.Cleanup(func() { x.listener.Close() })
		}
		return err
	})
}

// destinations are the IPv4 destinations of the datagrams.
var destinations = []string{
	"10.50.0.1:7777", "10.51.0.1:7777", "10.52.0.1:7777", "10.53.0.1:7777", b4 + ":7777", fmt.Sprint(b4, ":", closedPort),
}

var destinations6 = []string{"[fd50::1]:7777", "[fd51::1]:7777", "[" + b6 + "]:7777", fmt.Sprintf("[%s]:%d", b6, closedPort)}

// untracedTarget replaces a destination behind b by the untraced sender's, which is in the same network.
var untracedTarget = strings.NewReplacer(".0.1:", ".0.77:", "::1]", "::77]")

// mine4 and mine6 are destinations of the traced sender only. The kernel calls a function to build the link-layer
// header only for the first packet to a neighbour; later packets copy the cached header.
const mine4, mine6 = "10.54.0.1:7777", "[fd54::1]:7777"

// send sends two datagrams from a port of a to each destination, and to those in besides. The second
// datagrams are sent after the first have been received: if they are received in one batch, all are looked
// up before the first one's connection is confirmed.
func (x *junction) send(port int, besides ...string) error {
	return x.a.Do(func() error {
		err := sendOnce(port, besides)
		return errors.Join(err, ktest.FlushBacklogs(), sendOnce(port, besides))
	})
}

func sendOnce(port int, besides []string) error {
	var errs []error
	for from, list := range map[string][]string{a4: destinations, "[" + a6 + "]": destinations6} {
		for _, to := range slices.Concat(list, besides) {
			if strings.HasPrefix(from, "[") != strings.HasPrefix(to, "[") {
				continue
			}
			if port == untracedPort {
				to = untracedTarget.Replace(to)
			}
			errs = append(errs, unreachable(udp(fmt.Sprintf("%s:%d", from, port), to).Send(1)))
		}
	}
	return errors.Join(errs...)
}

// unreachable returns nil for ICMP errors of earlier datagrams, which sendto returns as pending socket errors.
func unreachable(err error) error {
	for _, text := range []string{"connection refused", "no route to host"} {
		if err != nil && strings.Contains(err.Error(), text) {
			return nil
		}
	}
	return err
}

// connecting is the timeout for a connection on a slow machine.
const connecting = 30 * time.Second

// connect connects to the listener, and returns the inode of the server's socket.
func (x *junction) connect(port int) (inode uint64) {
	x.t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := x.listener.Accept()
		if err != nil {
			x.t.Error(err)
		}
		accepted <- conn
	}()
	do(x.t, x.a, func() error {
		from := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(fmt.Sprintf("%s:%d", a4, port)))
		conn, err := (&net.Dialer{LocalAddr: from, Timeout: connecting}).Dial("tcp", b4+":7780")
		if err != nil {
			return err
		}
		defer conn.Close()
		server := <-accepted
		defer server.Close()
		inode = ktest.Inode(x.t, server)
		if _, err := conn.Write([]byte("hello")); err != nil {
			return err
		}
		_, err = server.Read(make([]byte, 5))
		return err
	})
	return inode
}

// traced runs tracer while both senders send, and returns the trace and the inode of the traced
// connection's socket.
func (x *junction) traced(args ...string) (*trace, uint64) {
	x.t.Helper()
	p := start(x.t, append(args, "port 7001")...)
	var inode uint64
	done := make(chan error, 1)
	go func() { done <- x.send(untracedPort) }()
	err := x.send(tracedPort, mine4, mine6)
	if err := errors.Join(err, <-done); err != nil {
		x.t.Fatal(err)
	}
	inode = x.connect(tracedPort)
	x.connect(untracedPort)
	tr := p.stop()
	tr.events.that(not(ofTraced)).absent(x.t, "events of other packets")
	tr.events.that(isForUntraced).absent(x.t, "look-ups for another packet")
	return tr, inode
}

// TestLookups checks the look-ups of each kind with each function backend.
func TestLookups(t *testing.T) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) {
			x := newJunction(t)
			ktest.TrackConnections(t, x.b)
			tr, inode := x.traced("--backend", backend, "--output-lookups", "all", "--filter-func", "ip_rcv|ipv6_rcv")
			x.checkRoutes(tr.events)
			x.checkNeighbours(tr.events)
			x.checkSockets(tr.events, inode)
			x.checkQdiscs(tr.events)
			x.checkConnections(tr.events)
			tr.events.that(func(r *record) bool { return r.Lookup != nil && r.Lookup.Unread }).absent(t, "look-ups that could not be read")
			checkFacts(t, tr.events)
			if tr.summary.Unreturned != 0 {
				t.Errorf("%d returns not seen", tr.summary.Unreturned)
			}
		})
	}
}

// checkFacts checks that every value has been read, and that exactly the rows of type lookup have a look-up.
func checkFacts(t *testing.T, events records) {
	t.Helper()
	for _, r := range events {
		if r.Type == "lookup" != (r.Lookup != nil) {
			t.Errorf("%s of type %s", r, r.Type)
		}
		if r.Lookup == nil {
			continue
		}
		facts := []map[string]any{r.Lookup.Asked}
		if r.Lookup.Found != nil {
			facts = append(facts, *r.Lookup.Found)
		}
		for _, list := range facts {
			for key, value := range list {
				if value == nil {
					t.Errorf("%s: %s was not read", r, key)
				}
			}
		}
	}
}

func (x *junction) checkRoutes(events records) {
	x.t.Helper()
	for _, want := range [][]string{
		{"dst=10.50.0.1", "src=" + a4, "table=254", "type=unicast", "prefix=10.50.0.0/16", "dev=vc", "via=10.60.0.2"},
		{"dst=10.51.0.1", "table=254", "found=false", "error=EHOSTUNREACH"},
		{"dst=10.53.0.1", "table=123", "type=unicast", "prefix=10.53.0.0/16", "via=10.60.0.2"},
		{"dst=10.50.0.1", "table=255", "found=false", "error=EAGAIN"},
		{"dst=" + b4, "table=255", "type=local", "prefix=" + b4 + "/32", "dev=vb"},
		{"dst=fd50::1", "src=" + a6, "table=254", "type=unicast", "prefix=fd50::/32", "dev=vc", "via=fd60::2"},
		{"dst=fd51::1", "table=254", "type=unreachable", "prefix=fd51::/32"},
		{"dst=" + b6, "table=255", "type=local", "prefix=" + b6 + "/128"},
		{"dst=fd50::1", "table=255", "found=false"},
	} {
		events.that(lookedUp("route", want...)).present(x.t, fmt.Sprint("route ", want))
	}
}

func (x *junction) checkNeighbours(events records) {
	x.t.Helper()
	for _, want := range [][]string{
		{"dst=10.60.0.3", "dev=vc", "state=[PERMANENT]", "lladdr=" + kept.String()},
		{"dst=fd60::3", "dev=vc", "state=[PERMANENT]", "lladdr=" + kept.String()},
		{"dst=10.60.0.99", "dev=vc", "state=[INCOMPLETE]"},
	} {
		events.that(lookedUp("neigh", want...)).present(x.t, fmt.Sprint("neighbour ", want))
	}
	events.that(lookedUp("neigh", "dst=10.60.0.99"), func(r *record) bool {
		return r.Lookup.Found != nil && (*r.Lookup.Found)["lladdr"] != nil
	}).absent(x.t, "a link-layer address of an incomplete neighbour")
}

func (x *junction) checkSockets(events records, connection uint64) {
	x.t.Helper()
	datagram, listener := ktest.Inode(x.t, x.datagram), ktest.Inode(x.t, x.listener)
	for _, want := range [][]string{
		{"src=" + a4, "sport=7001", "dst=" + b4, "dport=7777", "lport=7777", fmt.Sprint("inode=", datagram), fmt.Sprint("uid=", os.Getuid())},
		{"dst=" + b4, fmt.Sprint("dport=", closedPort), "found=false"},
		{"src=" + a6, "sport=7001", "dst=" + b6, "dport=7777", "lport=7777", fmt.Sprint("inode=", datagram)},
		{"dst=" + b6, fmt.Sprint("dport=", closedPort), "found=false"},
		{"src=" + a4, "sport=7001", "state=LISTEN", "laddr=" + b4, "lport=7780", fmt.Sprint("inode=", listener)},
		{"sport=7001", "dport=7780", "state=ESTABLISHED", "raddr=" + a4, "rport=7001", fmt.Sprint("inode=", connection)},
	} {
		events.that(lookedUp("socket", want...)).present(x.t, fmt.Sprint("socket ", want))
	}
	events.that(in("__inet_lookup_established"), lookedUp("socket", "dport=7780", "found=false")).present(x.t, "a connection that does not exist yet")
}

func (x *junction) checkQdiscs(events records) {
	x.t.Helper()
	fast := events.that(lookedUp("qdisc", "qdisc=pfifo_fast", "handle=8765:", "parent=root", "dev=vc"))
	fast.present(x.t, "pfifo_fast")
	fast.that(func(r *record) bool { return (*r.Lookup.Found)["qlen"] != nil }).absent(x.t, "a queue length, which is counted per CPU")
	events.that(lookedUp("qdisc", "qdisc=pfifo", "handle=4321:", "dev=va", "drops=0", "qlen=0")).present(x.t, "pfifo")
	events.that(lookedUp("qdisc", "qdisc=sfq", "handle=1234:", "dev=vb")).present(x.t, "sfq, of a module")
}

func (x *junction) checkConnections(events records) {
	x.t.Helper()
	if !hasModuleTypes() {
		events.that(lookedUp("conntrack")).absent(x.t, "connections of a module without BTF")
		return
	}
	for _, want := range [][]string{
		{"protocol=udp", "src=" + a4, "sport=7001", "dst=10.50.0.1", "dport=7777", "found=false"},
		{"orig_src=" + a4, "orig_sport=7001", "orig_dst=10.50.0.1", "orig_dport=7777", "ctinfo=NEW"},
		{"protocol=udp", "src=" + a4, "dst=10.50.0.1", "direction=original", "orig_sport=7001", "status=[CONFIRMED]"},
		{"orig_dst=" + b4, "orig_dport=7780", "ctinfo=ESTABLISHED_REPLY", "tcp_state=SYN_RECV"},
		{"orig_dst=" + b4, "orig_dport=7780", "ctinfo=ESTABLISHED", "tcp_state=ESTABLISHED"},
	} {
		events.that(lookedUp("conntrack", want...)).present(x.t, fmt.Sprint("connection ", want))
	}
}

// isForUntraced matches look-ups for a packet of the untraced sender, whatever packet they are assigned to.
func isForUntraced(r *record) bool {
	if r.Lookup == nil {
		return false
	}
	text := fmt.Sprint(r.Lookup.Asked, r.Lookup.Found)
	if r.Lookup.Found != nil {
		text += fmt.Sprint(*r.Lookup.Found)
	}
	return strings.Contains(text, ".0.77") || strings.Contains(text, "::77") || strings.Contains(text, fmt.Sprint("port:", untracedPort))
}

// ofTraced matches packets from or to the traced port.
func ofTraced(r *record) bool {
	is := func(port *int) bool { return port != nil && *port == tracedPort }
	return is(r.Tuple.Sport) || is(r.Tuple.Dport)
}

// TestLookupsWithReturns combines look-ups with returns, stacks and values: a function that is also requested by
// --filter-func or --filter-non-skb-funcs has an entry, and its return has the look-up; others have one row.
func TestLookupsWithReturns(t *testing.T) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t)
			p := start(t, "--backend", backend, "--output-lookups", "route,neigh,socket,qdisc", "--output-return", "--timestamp", "absolute",
				"--filter-func", "ip_rcv|ip_rcv_core|icmp_rcv|neigh_resolve_output", "--filter-non-skb-funcs", "fib_table_lookup",
				"--output-stack", "--output-skb-cb", "--output-skb-metadata", "skb->len", "--filter-netns", w.b.Path, "icmp")
			ping(t, w.a, b4, 0x3303)
			tr := p.stop()
			returns := tr.events.that(isReturn, in("fib_table_lookup"), lookedUp("route", "dst="+b4, "type=local", "prefix="+b4+"/32", "dev=vb"))
			returns.present(t, "the route of a requested function")
			if entries := tr.events.that(isEntry, in("fib_table_lookup")); len(entries) < len(returns) {
				t.Errorf("%d entries, %d returns", len(entries), len(returns))
			}
			tr.events.that(isEntry, func(r *record) bool { return r.Lookup != nil }).absent(t, "look-ups at an entry")
			lookups := tr.events.that(func(r *record) bool { return r.Type == "lookup" })
			lookups.that(in("fib_table_lookup", "neigh_resolve_output")).absent(t, "separate rows of requested functions")
			for _, r := range tr.events {
				if r.Lookup != nil && (r.Return == nil || r.Duration == nil || r.Tuple.Source == "") {
					t.Errorf("result, time or tuple is missing: %s", r)
				}
			}
			tr.events = tr.events.that(func(r *record) bool { return r.Type != "lookup" })
			tr.eachEntryReturned(t)
		})
	}
}

// TestUnavailableLookups checks that functions which cannot be traced are named in a note, and that it is an error
// if a kind that is requested by name has none.
func TestUnavailableLookups(t *testing.T) {
	needFunctions(t)
	const excluded = ".*xmit.*|.*enqueue.*"
	p := command{args: []string{"--output-lookups", "qdisc", "--filter-func-exclude", excluded, "--filter-func", "ip_rcv"}}.start(t)
	p.ends(soon, 2)
	if want := `--output-lookups "qdisc": none of its functions can be traced`; !strings.Contains(p.stderr(), want) || !strings.Contains(p.stderr(), "sch_direct_xmit (--filter-func-exclude)") {
		t.Errorf("stderr does not say %s: %s", want, p.stderr())
	}
	q := command{args: []string{"--dry-run", "--output-lookups", "all", "--filter-func-exclude", excluded, "--filter-func", "ip_rcv", "icmp"}}.start(t)
	q.ends(soon, 0)
	plan, err := os.ReadFile(q.out)
	if err != nil {
		t.Fatal(err)
	}
	want := "note         --output-lookups: these functions can't be traced: "
	if strings.Count(string(plan), want) != 1 || !strings.Contains(string(plan), "sch_direct_xmit (--filter-func-exclude)") {
		t.Errorf("the plan does not say %s once: %s", want, plan)
	}
}
