// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"strconv"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// clients is two processes that send and receive the same over TCP and UDP, and a third one, the server. Only the
// packets of the first are traced.
type clients struct {
	*world
	mine, other, server *ktest.Child
	group               *ktest.Cgroup
	talks               []talk
}

// talk holds the two ends of a connection.
type talk struct {
	client, server *ktest.Socket
}

const (
	mineTCP, mineUDP, mineLater    = 42001, 42002, 42003
	otherTCP, otherUDP, otherLater = 42011, 42012, 42013
	// mineUDP2 is in another hash chain than mineUDP: early demux (__udp4_lib_demux_lookup) checks only the
	// first socket of a chain, which can be another process's.
	mineUDP2 = 42007
)

func newClients(t *testing.T) *clients {
	t.Helper()
	h := &clients{world: newWorld(t), group: ktest.NewCgroup(t, "mine")}
	h.mine = ktest.StartChild(t, h.a, "mine-client")
	h.other = ktest.StartChild(t, h.a, "some-other")
	h.server = ktest.StartChild(t, h.b, "server")
	h.mine.Join(h.group.NewChild(t, "pod"))
	h.talks = []talk{
		h.connect(h.mine, "tcp", mineTCP), h.connect(h.mine, "udp", mineUDP), h.connect(h.mine, "udp", mineUDP2),
		h.connect(h.other, "tcp", otherTCP), h.connect(h.other, "udp", otherUDP),
	}
	return h
}

// connect connects a client and the server. UDP sockets are connected at both ends, too.
func (h *clients) connect(client *ktest.Child, network string, port int) talk {
	h.t.Helper()
	here, there := a4+":"+strconv.Itoa(port), b4+":"+strconv.Itoa(port)
	if network == "udp" {
		return talk{client.Dial(network, here, there), h.server.Dial(network, there, here)}
	}
	listener := h.server.Listen(network, there)
	end := client.Dial(network, here, there)
	return talk{end, listener.Accept()}
}

// talk sends a message and an answer on each connection.
func (h *clients) talk() {
	h.t.Helper()
	for _, c := range h.talks {
		c.client.Send("hello")
		c.server.Receive("hello")
		c.server.Send("welcome")
		c.client.Receive("welcome")
	}
}

// TestProcessFilter traces the packets of a process, on connections that existed before tracer started,
// and on a later one.
func TestProcessFilter(t *testing.T) {
	h := newClients(t)
	pid := strconv.Itoa(h.mine.PID)
	for name, args := range map[string][]string{
		"pid":                      {"--filter-pid", "1," + pid},
		"name":                     {"--filter-comm", "nobody,mine-*"},
		"cgroup by id":             {"--filter-cgroup", strconv.FormatUint(h.group.ID, 10)},
		"name, and cgroup by path": {"--filter-comm", "mine-client", "--filter-cgroup", h.group.Path},
	} {
		t.Run(name, func(t *testing.T) { h.traced(t, args...) })
	}
}

func (h *clients) traced(t *testing.T, args ...string) {
	p := start(t, append(args, "--filter-func", few(), "net 10.9.0.0/24")...)
	h.talk()
	h.connectLater()
	events := p.stop().events
	sent := events.that(from(a4), on("va"))
	for _, port := range []int{mineTCP, mineUDP, mineUDP2} {
		sent.that(ports(port, port)).passed(t, marks(chosen()).sent)
	}
	if isDedicated() || !strings.Contains(p.stderr(), "match only packets that have a socket") {
		sent.that(ports(mineLater, mineLater)).passed(t, marks(chosen()).sent)
	}
	for _, port := range []int{otherTCP, otherUDP, otherLater} {
		events.that(sport(port)).absent(t, "packet of another process")
	}
	delivered := in("ip_local_deliver", "tcp_v4_rcv", "udp_rcv") // before these functions it has the sender's socket
	events.that(within(h.b), delivered).absent(t, "packet that is received by another process")
	if chosen() != tracepoint { // a received packet has its socket at no tracepoint
		received(t, events)
	}
}

// received checks that answers are traced in functions at which they have the receiver's socket.
func received(t *testing.T, events records) {
	t.Helper()
	answers := events.that(from(b4))
	answers.that(ports(mineTCP, mineTCP)).passed(t, "ip_local_deliver", "tcp_v4_rcv")
	answers.that(func(r *record) bool { return ports(mineUDP, mineUDP)(r) || ports(mineUDP2, mineUDP2)(r) }).passed(t, "ip_local_deliver", "udp_rcv")
}

// connectLater lets both clients create a socket while tracer runs.
func (h *clients) connectLater() {
	h.t.Helper()
	for port, client := range map[int]*ktest.Child{mineLater: h.mine, otherLater: h.other} {
		c := h.connect(client, "udp", port)
		c.client.Send("new")
		c.server.Receive("new")
		c.client.Close()
		c.server.Close()
	}
}
