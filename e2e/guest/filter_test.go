// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// get is an HTTP GET request. The other payloads in this file are not.
const get = "GET / HTTP/1.1\r\nHost: b\r\n\r\n"

// converse makes three TCP connections between the hosts, one of them with a GET request.
func (w *world) converse() {
	w.t.Helper()
	for i, payload := range []string{get, "PUT / HTTP/1.1\r\n\r\n", "x"} {
		c := tcp(fmt.Sprintf("%s:%d", a4, 41001+i), b4+":8080", payload)
		if err := c.Exchange(w.a, w.b); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestFilterTCPFlags checks that a filter on TCP flags matches exactly the three SYNs.
func TestFilterTCPFlags(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", few(), "--backend", chosen(), "tcp[tcpflags] = tcp-syn and net 10.9.0.0/24")
	w.converse()
	events := p.stop().events
	for source := range 3 {
		events.that(ports(41001+source, 8080)).passed(t, marks(chosen()).sent, marks(chosen()).received)
	}
	events.that(from(b4)).absent(t, "SYN-ACK and later")
	events.that(not(protocol("tcp"))).absent(t, "another protocol")
	sent := events.that(in(marks(chosen()).sent))
	if len(sent) != 3 {
		t.Errorf("%d packets sent, want three SYNs: %v", len(sent), sent)
	}
}

// TestFilterArithmetic checks a filter that computes the offset of the payload from the header length.
func TestFilterArithmetic(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", few(), "net 10.9.0.0/24 and udp and ip[((ip[0]&0xf)<<2)+8:4] = 0x47455420")
	for source, payload := range map[string]string{":7001": get, ":7002": "PUT / HTTP/1.1\r\n\r\n", ":7003": "x"} {
		u := udp(a4+source, b4+":8080")
		u.Payload = []byte(payload)
		do(t, w.a, func() error { return u.Send(1) })
	}
	p.onlyGet(ports(7001, 8080))
}

// TestFilterPayloadInPages checks a filter on TCP payload, which the kernel keeps in page fragments instead of the
// linear area.
func TestFilterPayloadInPages(t *testing.T) {
	for name, place := range map[string]string{
		"computed offset": "tcp[((tcp[12]&0xf0)>>2):4]",
		"fixed offset":    "ether[66:4]", // TCP's header has 12 bytes of timestamps
	} {
		t.Run(name, func(t *testing.T) { filterPayload(t, place) })
	}
}

func filterPayload(t *testing.T, place string) {
	w := newWorld(t)
	p := start(t, "--filter-func", few(), "net 10.9.0.0/24 and tcp and "+place+" = 0x47455420")
	w.converse()
	if _, err := os.Stat("/proc/kcore"); err != nil {
		p.warnsOfPages()
		return
	}
	p.onlyGet(ports(41001, 8080))
}

// warnsOfPages checks that without /proc/kcore, where tracer cannot find the address of page fragments, the
// filter does not match, and a warning says why.
func (p *process) warnsOfPages() {
	p.t.Helper()
	p.stop().events.absent(p.t, "a packet whose payload cannot be read")
	if !strings.Contains(p.stderr(), "warning: the filter does not see bytes in page fragments") {
		p.t.Errorf("no warning on stderr: %s", p.stderr())
	}
}

// onlyGet stops tracer, and checks that it has seen only the one packet with the GET request.
func (p *process) onlyGet(right func(*record) bool) {
	p.t.Helper()
	events := p.stop().events
	events.that(right).passed(p.t, marks(chosen()).sent, marks(chosen()).received)
	events.that(not(right)).absent(p.t, "a packet without GET")
	if sent := events.that(in(marks(chosen()).sent)); len(sent) != 1 {
		p.t.Errorf("%d packets sent, want the one with the request: %v", len(sent), sent)
	}
}

// TestFilterLength checks that the length of a GSO packet includes all its segments, and the bytes in page
// fragments.
func TestFilterLength(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", few(), "net 10.9.0.0/24 and tcp and greater 2000")
	if err := tcp(a4+":41009", b4+":8080", strings.Repeat("x", 20000)).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	w.converse()
	events := p.stop().events
	events.that(ports(41009, 8080), from(a4)).passed(t, marks(chosen()).sent, marks(chosen()).received)
	events.that(func(r *record) bool { return r.Len < 2000-14 }).absent(t, "short packet")
	events.that(from(b4)).absent(t, "acknowledgement")
}

// TestFilterLong checks that the verifier accepts filters of many hosts, and that they match.
func TestFilterLong(t *testing.T) {
	for _, hosts := range []int{200, 1000} {
		t.Run(strconv.Itoa(hosts), func(t *testing.T) { filterLong(t, hosts) })
	}
}

func filterLong(t *testing.T, hosts int) {
	w := newWorld(t)
	var list []string
	for i := range hosts - 1 {
		list = append(list, fmt.Sprintf("host 10.250.%d.%d", i>>8, i&255))
	}
	list = append(list, "src host "+a4)
	p := start(t, "--filter-func", few(), "--backend", chosen(), "--filter-track-skb", strings.Join(list, " or "))
	t.Logf("%d hosts: ready after %v", hosts, p.ready.Round(100*time.Millisecond))
	do(t, w.a, func() error { return udp(a4+":7001", b4+":7777").Send(1) })
	do(t, w.b, func() error { return udp(b4+":7002", a4+":7777").Send(1) })
	events := p.stop().events
	events.that(ports(7001, 7777)).passed(t, marks(chosen()).sent, marks(chosen()).received)
	events.that(ports(7002, 7777)).absent(t, "packet of a host that is not in the list")
}

// TestFilterIfname checks --filter-ifname with --filter-netns, and with tracer running in the namespace.
func TestFilterIfname(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]command{
		"in another namespace": {args: []string{"--filter-netns", w.a.Name}},
		"in its own namespace": {within: w.a.Do},
	} {
		t.Run(name, func(t *testing.T) {
			c.args = append(c.args, "--output-json", "--filter-func", handful(), "--filter-ifname", "va")
			p := c.start(t)
			p.awaitReady()
			ping(t, w.a, b4, 0x2001)
			ping(t, w.a, "127.0.0.1", 0x2002)
			events := p.stop().events
			events.that(echo(8, 0x2001)).passed(t, marks(chosen()).sent)
			events.that(echo(0, 0x2001)).passed(t, marks(chosen()).received)
			events.that(not(on("va"))).absent(t, "another interface")
			events.that(echo(8, 0x2002)).absent(t, "ping on loopback")
		})
	}
}

// TestFilterNetns checks each way to specify a namespace.
func TestFilterNetns(t *testing.T) {
	a, b := ktest.NewNetns(t, "a"), ktest.NewNetns(t, "b")
	for name, spec := range map[string]string{
		"path": a.Path, "name": a.Name, "inode": inode(a),
		"pid": "pid:" + strconv.Itoa(threadIn(t, a)),
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, "--filter-func", landmark(), "--filter-netns", spec, "udp and dst port 7777")
			do(t, a, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(2) })
			do(t, b, func() error { return udp("127.0.0.1:7002", "127.0.0.1:7777").Send(2) })
			events := p.stop().events
			if seen := events.that(sport(7001)); len(seen) != 2 {
				t.Errorf("%d events of the namespace, want 2", len(seen))
			}
			events.that(sport(7002)).absent(t, "another namespace")
			events.that(func(r *record) bool { return r.Netns != a.Inode }).absent(t, "another inode")
		})
	}
}

func inode(n *ktest.Netns) string { return fmt.Sprintf("inode:%d", n.Inode) }

// threadIn returns the id of a thread in a namespace. The thread ends with the test.
func threadIn(t *testing.T, n *ktest.Netns) int {
	t.Helper()
	id, leave, left := make(chan int), make(chan struct{}), make(chan error, 1)
	go func() {
		left <- n.Do(func() error {
			id <- unix.Gettid()
			<-leave
			return nil
		})
	}()
	t.Cleanup(func() {
		close(leave)
		if err := <-left; err != nil {
			t.Error(err)
		}
	})
	return <-id
}

// TestFilterMark checks values and masks.
func TestFilterMark(t *testing.T) {
	n := ktest.NewNetns(t, "a")
	for mark, want := range map[string][]int{
		"4660":          {7001},
		"0x1200/0xff00": {7001, 7002},
		"0/0xffff":      {7003},
	} {
		t.Run(mark, func(t *testing.T) {
			p := start(t, "--filter-func", landmark(), "--filter-mark", mark, "udp and dst port 7777")
			do(t, n, func() error { return marked(7001, 0x1234).Send(1) })
			do(t, n, func() error { return marked(7002, 0x1235).Send(1) })
			do(t, n, func() error { return marked(7003, 0).Send(1) })
			var got []int
			for _, r := range p.stop().events.that(func(r *record) bool { return r.Netns == n.Inode }) {
				got = append(got, *r.Tuple.Sport)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("seen from ports %v, want %v", got, want)
			}
		})
	}
}

func marked(port, mark int) ktest.UDP {
	u := udp("127.0.0.1:"+strconv.Itoa(port), "127.0.0.1:7777")
	u.Mark = mark
	return u
}

// TestNoFilter checks that without a filter, the sk_buffs of netlink and unix sockets are traced and named, and
// that no tuple is made up for them.
func TestNoFilter(t *testing.T) {
	functions := "netlink_unicast|netlink_rcv_skb|unix_destruct_scm|skb_queue_tail|consume_skb|" + landmark()
	p := start(t, "--filter-func", functions)
	n := ktest.NewNetns(t, "a") // sends netlink messages
	do(t, n, func() error { return errors.Join(talkUnix(), udp("127.0.0.1:7001", "127.0.0.1:7777").Send(1)) })
	events := p.stop().events
	mine := events.that(func(r *record) bool { return r.PID == os.Getpid() })
	mine.that(network("netlink")).present(t, "netlink")
	mine.that(network("unix")).present(t, "unix socket")
	events.that(network("ipv4"), ports(7001, 7777)).passed(t, landmark())
	made := func(r *record) bool { return r.Tuple.Source != "" || r.Tuple.Dest != "" || r.Tuple.Sport != nil }
	events.that(network("netlink"), made).absent(t, "netlink with a made-up tuple")
	events.that(network("unix"), made).absent(t, "unix socket with a made-up tuple")
}

// talkUnix sends bytes that look like an IPv4 header through a pair of unix sockets.
func talkUnix() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	header := append([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0}, net.IPv4(10, 66, 66, 66).To4()...)
	if _, err := unix.Write(fds[0], append(header, make([]byte, 16)...)); err != nil {
		return err
	}
	_, err = unix.Read(fds[1], make([]byte, 64))
	return err
}
