// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// countedCause is a cause of drops, the datagram that provokes it, and the kernel's counter of such drops, as in
// /proc/net/snmp and /proc/net/netstat.
type countedCause struct {
	cause          string
	port           uint16
	ttl            byte
	dest           func(own netip.Addr) netip.Addr
	group, counter string
}

var (
	forwardedNet = netip.MustParsePrefix("10.77.0.0/24")
	routeless    = netip.MustParseAddr("10.78.0.1")
)

var countedCauses = []countedCause{
	{"udp-no-listener", 40091, 64, func(own netip.Addr) netip.Addr { return own }, "Udp", "NoPorts"},
	{"no-route", 40092, 64, func(netip.Addr) netip.Addr { return routeless }, "IpExt", "InNoRoutes"},
	{"ttl", 40093, 1, func(netip.Addr) netip.Addr { return forwardedNet.Addr().Next() }, "Ip", "InHdrErrors"},
}

// side is a namespace that gets datagrams from the other one, some for each cause.
type side struct {
	*ktest.Netns
	from      *ktest.Netns
	dev, out  string
	own, peer netip.Addr
	counts    []int
}

func (w *world) sides() []side {
	a, b := netip.MustParseAddr(a4), netip.MustParseAddr(b4)
	return []side{
		{w.a, w.b, "va", "vb", a, b, []int{15, 40, 5}},
		{w.b, w.a, "vb", "va", b, a, []int{30, 20, 10}},
	}
}

// TestCausesAreCounted drops a number of packets by each of three causes in two namespaces. The summary must have exactly
// as many drops for each cause, and for each thing that is the cause, as were sent and as the kernel has counted.
func TestCausesAreCounted(t *testing.T) {
	for _, backend := range backends() {
		if backend == kprobe && chosen() != kprobe {
			continue // the programs are the same as those of kprobe-multi
		}
		if backend == tracepoint && !hasReasons() {
			continue // udp-no-listener needs a call there
		}
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t)
			sides := w.sides()
			var before [][]int
			for _, s := range sides {
				s.SetSysctl(t, "ipv4/ip_forward", "1")
				ktest.NewRoute(t, s.Netns, forwardedNet, s.peer)
				before = append(before, s.counters(t))
			}
			p := start(t, "--backend", backend, "--drop", "udp and src net 10.9.0.0/24")
			for _, s := range sides {
				s.send(t)
			}
			summary := &p.stop().summary
			for i, c := range countedCauses {
				want := sides[0].counts[i] + sides[1].counts[i]
				if got := summary.dropsBy(c.cause, ""); got != want {
					t.Errorf("%d drops by %s, want %d: %+v", got, c.cause, want, summary.Causes)
				}
			}
			for i, s := range sides {
				if got := summary.dropsBy("udp-no-listener", s.own.String()+":"); got != s.counts[0] {
					t.Errorf("%d drops at %s, want %d: %+v", got, s.own, s.counts[0], summary.Causes)
				}
				after := s.counters(t)
				for j, c := range countedCauses {
					if grown := after[j] - before[i][j]; grown != s.counts[j] {
						t.Errorf("%s: the kernel has counted %d %s, want %d", s.own, grown, c.counter, s.counts[j])
					}
				}
			}
			p.checkCauseLines(summary)
		})
	}
}

// checkCauseLines checks that stderr has the same counts as the summary.
func (p *process) checkCauseLines(summary *record) {
	p.t.Helper()
	var want []string
	total := 0
	for _, c := range summary.Causes {
		want = append(want, "  "+strconv.Itoa(c.Count)+" × "+c.Cause+": "+c.Text+"  (first: ")
		total += c.Count
	}
	for _, line := range want {
		if !strings.Contains(p.stderr(), line) {
			p.t.Errorf("stderr lacks %q: %s", line, p.stderr())
		}
	}
	if total != summary.Drops {
		p.t.Errorf("%d drops by cause, %d in all", total, summary.Drops)
	}
}

// dropsBy returns the number of drops by a cause whose text contains a part.
func (r *record) dropsBy(cause, part string) (n int) {
	for _, c := range r.Causes {
		if c.Cause == cause && strings.Contains(c.Text, part) {
			n += c.Count
		}
	}
	return n
}

// counters returns the values of the kernel's counters of all causes in the namespace.
func (s side) counters(t *testing.T) (values []int) {
	t.Helper()
	var text string
	do(t, s.Netns, func() error {
		for _, file := range []string{"snmp", "netstat"} {
			b, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			text += string(b)
		}
		return nil
	})
	for _, c := range countedCauses {
		values = append(values, snmpCounter(t, text, c.group, c.counter))
	}
	return values
}

// snmpCounter returns a counter: a group has a line with names, and one with their values.
func snmpCounter(t *testing.T, text, group, name string) int {
	t.Helper()
	var lines [][]string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, group+": ") {
			lines = append(lines, strings.Fields(line))
		}
	}
	if len(lines) != 2 || !slices.Contains(lines[0], name) {
		t.Fatalf("no counter %s of %s in %s", name, group, text)
	}
	value, err := strconv.Atoi(lines[1][slices.Index(lines[0], name)])
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// send sends the datagrams of all causes in turns, as frames, so that the sender needs no route.
func (s side) send(t *testing.T) {
	t.Helper()
	var own net.HardwareAddr
	do(t, s.Netns, func() error {
		link, err := net.InterfaceByName(s.dev)
		if err == nil {
			own = link.HardwareAddr
		}
		return err
	})
	do(t, s.from, func() error {
		for round := range slices.Max(s.counts) {
			for i, c := range countedCauses {
				if round >= s.counts[i] {
					continue
				}
				if err := ktest.SendFrame(s.out, own, c.datagram(s)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// datagram returns the IP packet of a cause, with its TTL.
func (c countedCause) datagram(s side) []byte {
	b := ktest.Datagram(ktest.UDP{From: netip.AddrPortFrom(s.peer, c.port), To: netip.AddrPortFrom(c.dest(s.own), c.port)})
	b[8], b[10], b[11] = c.ttl, 0, 0
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(endian.BigEndian.Uint16(b[i:]))
	}
	endian.BigEndian.PutUint16(b[10:], ^uint16(sum>>16+sum&0xffff))
	return b
}
