// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"tracer/docs"
	"tracer/internal/ktest"
)

// situations set up the problems of docs/problems.md, by their titles.
var situations = map[string]func(*network3) situation{
	"The host does not forward":                                     notForwarding,
	"Reverse path filtering drops packets (rp_filter)":              reversePath,
	"There is no route, or a route that discards packets":           withoutRoute,
	"The next hop does not answer":                                  silentNeighbour,
	"The frame has another host's MAC address, or a stray VLAN tag": otherMAC,
	"Large packets are lost, small ones arrive":                     tooBig,
	"The device's queue is full":                                    fullQueue,
	"The firewall drops it":                                         firewalled,
	"The connection tracking table is full":                         fullTable,
	"A BPF program drops it":                                        droppedByProgram,
	"A service address leads to a dead backend":                     deadBackend,
	"Nothing listens on the port":                                   noListener,
	"The accept queue is full":                                      fullBacklog,
	"The socket's receive buffer is full":                           fullBuffer,
	"The connection is reset":                                       connectionReset,
}

// situation is a problem that has been set up in the namespaces.
type situation struct {
	// send sends the traffic that has the problem.
	send func()
	// cure applies the document's fix, and checks that the traffic arrives.
	cure func()
}

// network3 is the network of the document: a client, a router and a server.
type network3 struct {
	t                      *testing.T
	client, router, server *ktest.Netns
}

// Addresses of the document. The router has lan towards the client, wan towards the server.
const (
	client4, lan4  = "10.1.0.2", "10.1.0.1"
	server4, wan4  = "10.2.0.2", "10.2.0.1"
	service4       = "10.96.0.10"
	defaultRoute   = "0.0.0.0/0"
	dnsQuery, http = 53, 8080
)

// newNetwork3 creates the network without a problem, and resolves the neighbours.
func newNetwork3(t *testing.T) *network3 {
	t.Helper()
	n := &network3{t, ktest.NewNetns(t, "client"), ktest.NewNetns(t, "router"), ktest.NewNetns(t, "server")}
	for _, host := range []*ktest.Netns{n.client, n.router, n.server} {
		host.SetSysctl(t, "ipv6/conf/all/disable_ipv6", "1")
		host.SetSysctl(t, "ipv6/conf/default/disable_ipv6", "1")
		host.SetSysctl(t, "ipv4/conf/all/rp_filter", "0")
		host.SetSysctl(t, "ipv4/conf/default/rp_filter", "0")
	}
	n.setUp(ktest.End{Netns: n.client, Name: "eth0", Addresses: prefixes(client4 + "/24")},
		ktest.End{Netns: n.router, Name: "lan", Addresses: prefixes(lan4 + "/24")},
		ktest.End{Netns: n.router, Name: "wan", Addresses: prefixes(wan4 + "/24")},
		ktest.End{Netns: n.server, Name: "eth0", Addresses: prefixes(server4 + "/24")})
	ktest.NewRoute(t, n.client, netip.MustParsePrefix(defaultRoute), netip.MustParseAddr(lan4))
	ktest.NewRoute(t, n.server, netip.MustParsePrefix(defaultRoute), netip.MustParseAddr(wan4))
	n.router.SetSysctl(t, "ipv4/ip_forward", "1")
	n.pings(server4)
	return n
}

// setUp creates a veth pair of each two consecutive ends, and waits until all are up.
func (n *network3) setUp(ends ...ktest.End) {
	n.t.Helper()
	for i := 0; i < len(ends); i += 2 {
		ktest.NewVethNoWait(n.t, ends[i], ends[i+1])
	}
	for _, e := range ends {
		e.AwaitUp(n.t)
	}
}

// query sends a datagram from the client.
func (n *network3) query(from, to string) {
	n.t.Helper()
	do(n.t, n.client, func() error { return udp(from, to).Send(1) })
}

// TestProblems sets up each problem of the document, runs the commands exactly as they are printed there, waits for the
// rows that it shows, and applies its fix.
func TestProblems(t *testing.T) {
	for _, p := range problemsIn(docs.Problems) {
		t.Run(p.title, func(t *testing.T) {
			s := situations[p.title](newNetwork3(t))
			p.check(t, s)
			s.cure()
		})
	}
}

// check runs the problem's commands concurrently, and checks their rows. The output is kept in the results folder.
func (p problem) check(t *testing.T, s situation) {
	t.Helper()
	list := p.start(t)
	if len(list) == 0 {
		t.Skip("this kernel can run no command of the problem")
	}
	for _, w := range list {
		w.awaitReady()
	}
	s.send()
	for i, w := range list {
		w.sees()
		w.ends()
		w.tellsNothingElse()
		w.counts()
		keep(t, fmt.Sprintf("%s-%d.txt", anchor(p.title), i+1), w.stdout()+w.stderr())
	}
}

// anchor returns a name for a title: its letters and digits, joined by hyphens.
func anchor(title string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")
}

// start starts the commands that this kernel can run.
func (p problem) start(t *testing.T) (list []*watcher) {
	t.Helper()
	causes := causesOf[p.title]
	for _, run := range p.runs {
		own := causes[:run.begins(whyLine)]
		causes = causes[len(own):]
		if lacking := run.lacking(own); lacking != "" {
			t.Logf("this kernel has no %s, not run: %q", lacking, run.args)
			continue
		}
		list = append(list, run.start(t, own))
	}
	return list
}

// watcher is a running command of the document.
type watcher struct {
	*process
	shown
	expected []expected
}

func (run shown) start(t *testing.T, causes []told) *watcher {
	t.Helper()
	args := append(slices.Clone(run.args), "--output-columns", strings.Join(run.printed(), ","))
	return &watcher{command{args: args}.start(t), run, run.expects(reportingHere(), causes)}
}

// printed returns the columns to print: those in the header, and those of the lines below rows.
func (run shown) printed() []string {
	columns := slices.Clone(run.columns)
	if run.begins(wasLine) > 0 {
		columns = append(columns, "first")
	}
	if run.begins(whyLine) > 0 {
		columns = append(columns, "why")
	}
	if slices.Contains(run.args, "--output-stack") {
		columns = append(columns, "stack")
	}
	return columns
}

// sees waits for the rows.
func (w *watcher) sees() {
	w.t.Helper()
	missing := func() []string { return missingIn(w.stdout(), w.expected) }
	if !waits(patience, func() bool { return len(missing()) == 0 }) {
		w.t.Errorf("tracer %q does not print %q, but:\n%s", w.args, missing(), w.stdout())
	}
}

// ends ends the command like Ctrl-C.
func (w *watcher) ends() {
	w.t.Helper()
	w.signal(syscall.SIGINT)
	w.process.ends(stopLimit, 0)
}

// tellsNothingElse checks that no row of the document has another cause.
func (w *watcher) tellsNothingElse() {
	w.t.Helper()
	if lines := wrong(w.stdout(), w.expected); len(lines) > 0 {
		w.t.Errorf("tracer %q prints other causes: %q", w.args, lines)
	}
}

// counts checks that the last lines count drops by each cause that the document shows and this kernel can tell.
func (w *watcher) counts() {
	w.t.Helper()
	for _, e := range w.expected {
		if e.count != nil && !e.count.MatchString(w.stderr()) {
			w.t.Errorf("tracer %q does not count %q: %s", w.args, e.line, w.stderr())
		}
	}
}

// lacking returns what the command needs, according to the document, but this kernel does not have. A packet that ends
// without a drop has a row only if the kernel can tell its cause.
func (run shown) lacking(causes []told) string {
	has := func(word string) bool { return slices.Contains(run.args, word) }
	silent := func(c told) bool { return c.needs.silent && !c.known() }
	switch {
	case chosen() == tracepoint && (!has("--drop") || has("--filter-track-skb")), slices.ContainsFunc(causes, silent):
		return "functions"
	case !tracesPrograms() && has("--only-bpf"):
		return "BPF trampolines"
	}
	return ""
}

// succeeds checks that f succeeds within twenty attempts.
func (n *network3) succeeds(f func() error) {
	n.t.Helper()
	var err error
	for range 20 {
		if err = f(); err == nil {
			return
		}
	}
	n.t.Errorf("traffic does not arrive: %v", err)
}

// pings checks that a ping from the client is answered.
func (n *network3) pings(to string) {
	n.t.Helper()
	n.succeeds(func() error {
		return n.client.Do(func() error { return ktest.Ping(netip.MustParseAddr(to), 0x4001, 1) })
	})
}

// connects opens a TCP connection from the client to a listening server, and closes it.
func (n *network3) connects(to string) error {
	return n.client.Do(func() error {
		conn, err := tcp(client4+":0", to, "").Connect()
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
