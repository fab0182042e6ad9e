// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// crossing is two pairs of hosts, a and b, c and d, whose devices have the same names.
type crossing struct {
	first, second *world
}

func newCrossing(t *testing.T) *crossing {
	t.Helper()
	first := newWorld(t)
	second := &world{t, ktest.NewNetns(t, "c"), ktest.NewNetns(t, "d")}
	second.join("va", "vb", 9)
	return &crossing{first, second}
}

// join adds a veth pair between the hosts, with the addresses 10.N.0.1 and 10.N.0.2.
func (w *world) join(nameA, nameB string, n byte) {
	w.t.Helper()
	address := func(host byte) []netip.Prefix {
		return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n, 0, host}), 24)}
	}
	ktest.NewVeth(w.t,
		ktest.End{Netns: w.a, Name: nameA, Addresses: address(1)},
		ktest.End{Netns: w.b, Name: nameB, Addresses: address(2)})
}

// talk pings over every veth pair and every loopback device. It creates the new pairs itself, while
// tracer runs.
func (c *crossing) talk(t *testing.T) {
	t.Helper()
	c.first.join("newa", "newb", 6)
	c.second.join("newa", "newb", 6)
	ping(t, c.first.a, b4, 0x3001)
	ping(t, c.first.a, "10.6.0.2", 0x3002)
	ping(t, c.first.a, "127.0.0.1", 0x3003)
	ping(t, c.second.a, b4, 0x3004)
	ping(t, c.second.a, "10.6.0.2", 0x3005)
	ping(t, c.second.a, "127.0.0.1", 0x3006)
}

// TestNetdevFilter checks filters on several interfaces and namespaces, including interfaces that are
// created later.
func TestNetdevFilter(t *testing.T) {
	c := newCrossing(t)
	p := start(t, "--filter-func", few(), "--filter-ifname", "va,new*", "--filter-ifname", "vb",
		"--filter-netns", c.first.a.Name+",pid:"+strconv.Itoa(os.Getpid()), "--filter-netns", inode(c.second.b), "icmp")
	c.talk(t)
	events := p.stop().events
	for _, id := range []int{0x3001, 0x3002} {
		request, reply := events.that(echo(8, id), within(c.first.a)), events.that(echo(0, id), within(c.first.a))
		request.passed(t, marks(chosen()).sent)
		reply.passed(t, marks(chosen()).received)
	}
	events.that(echo(8, 0x3001), on("va")).present(t, "device by its name")
	events.that(echo(8, 0x3002), on("newa")).present(t, "later device by its prefix")
	events.that(echo(8, 0x3004), on("vb"), within(c.second.b)).passed(t, marks(chosen()).received)
	events.that(echo(8, 0x3005), on("newb"), within(c.second.b)).passed(t, marks(chosen()).received)
	events.that(not(within(c.first.a)), not(within(c.second.b))).absent(t, "another namespace")
	events.that(on("lo")).absent(t, "another device")
}

// TestNetdevFilterExcludes does the same with excluded interfaces and namespaces.
func TestNetdevFilterExcludes(t *testing.T) {
	c := newCrossing(t)
	p := start(t, "--filter-func", few(), "--filter-ifname", "!lo,!new*", "--filter-netns", "!"+c.second.a.Path+",!"+c.second.b.Name, "icmp")
	c.talk(t)
	events := p.stop().events
	there := events.that(echo(8, 0x3001))
	there.that(on("va"), within(c.first.a)).passed(t, marks(chosen()).sent)
	there.that(on("vb"), within(c.first.b)).passed(t, marks(chosen()).received)
	for device, what := range map[string]string{"lo": "name", "newa": "prefix", "newb": "prefix of a later device"} {
		events.that(on(device)).absent(t, "device excluded by its "+what)
	}
	events.that(within(c.second.a)).absent(t, "namespace excluded by its path")
	events.that(within(c.second.b)).absent(t, "namespace excluded by its name")
}

// TestNetdevFilterInOwnNamespace checks that --filter-ifname without a namespace matches only interfaces in tracer's
// own namespace.
func TestNetdevFilterInOwnNamespace(t *testing.T) {
	c := newCrossing(t)
	p := command{
		args:   []string{"--output-json", "--filter-func", few(), "--filter-ifname", "va,new*", "icmp"},
		within: c.first.a.Do,
	}.start(t)
	p.awaitReady()
	c.talk(t)
	events := p.stop().events
	events.that(echo(8, 0x3001)).passed(t, marks(chosen()).sent)
	events.that(echo(8, 0x3002)).passed(t, marks(chosen()).sent)
	events.that(not(within(c.first.a))).absent(t, "another namespace")
	events.that(on("lo")).absent(t, "another device")
}

// TestNetdevInOtherNamespace checks that the error for an interface that exists only in another namespace names that
// namespace and the flags to type.
func TestNetdevInOtherNamespace(t *testing.T) {
	w := newWorld(t)
	w.join("here7", "away7", 7)
	p := command{args: []string{"--filter-ifname", "away7"}, within: w.a.Do}.start(t)
	p.ends(soon, 2)
	p.notes(t, `tracer: interface "away7": no such interface`+"\n")
	p.notes(t, "hint: namespace "+w.b.Name+" has it: type --filter-netns "+w.b.Name+" --filter-ifname away7\n")
}

// TestUnknownNetdev checks the error for an interface that does not exist.
func TestUnknownNetdev(t *testing.T) {
	w := newWorld(t)
	p := command{args: []string{"--filter-ifname", "va0"}, within: w.a.Do}.start(t)
	p.ends(soon, 2)
	for _, want := range []string{`"va0"`, "hint: ", "va"} {
		if !strings.Contains(p.stderr(), want) {
			t.Errorf("no %s in stderr: %s", want, p.stderr())
		}
	}
}
