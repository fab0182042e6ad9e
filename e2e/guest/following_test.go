// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFollowing sends packets on all paths, and checks for each that it took its path, and that all events along the
// path have the same packet number.
func TestFollowing(t *testing.T) {
	c := newTopology(t)
	paths := c.setUp(t)
	t.Run("without a trace", func(t *testing.T) { walkAll(t, paths) }) // resolves the neighbours
	p := start(t, append(functions(), followArguments()...)...)
	walkAll(t, paths)
	events := p.stop().events
	for _, path := range paths {
		t.Run(path.name, func(t *testing.T) { path.check(t, events) })
	}
	if follows() {
		t.Run("family trees", func(t *testing.T) { trees(t, paths, journeys(events)) })
		t.Run("without data", events.withoutData)
	}
	if t.Failed() {
		keep(t, "following.json", p.stdout())
	}
}

// withoutData checks that events of packets whose data has been freed have no headers: the memory may belong to
// another packet by then.
func (rs records) withoutData(t *testing.T) {
	const last = "kfree_skbmem"
	freed := rs.that(func(r *record) bool { return r.Func == last || r.Func == "napi_skb_cache_put" })
	if len(freed) == 0 && describes(last) {
		t.Errorf("no event of %s", last)
	}
	freed.that(func(r *record) bool { return r.Tuple.Network != "none" }).absent(t, "headers of freed data")
	freed.that(func(r *record) bool { return r.ID == 0 }).absent(t, "freed packets without a number")
}

// setUp sets up all paths that this kernel supports. If a module is missing, the path's subtest is skipped.
func (c *topology) setUp(t *testing.T) []*path {
	t.Helper()
	var paths []*path
	for i := range ways {
		w := &ways[i]
		if w.isSupported != nil && !w.isSupported() {
			t.Logf("not supported: %s", w.name)
			continue
		}
		t.Run("set up "+w.name, func(sub *testing.T) {
			p := &path{way: w, topology: c, t: sub, lasting: t, number: i + 1, begin: beginnings(i + 1), port: followedPort + i + 1}
			w.setUp(p)
			paths = append(paths, p)
		})
	}
	for _, p := range paths {
		for _, e := range p.ends {
			e.AwaitUp(t)
		}
	}
	return paths
}

func walkAll(t *testing.T, paths []*path) {
	t.Helper()
	for _, p := range paths {
		if err := p.walk(); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// follows reports whether functions are traced: tracepoints alone do not show how one sk_buff is
// created from another.
func follows() bool { return chosen() != tracepoint }

// functions returns arguments to trace all functions, including modules if the kernel has BTF for them. With kprobe
// only pathFunctions are traced, since attaching all functions one by one takes minutes.
func functions() []string {
	var args []string
	if _, err := os.Stat("/sys/kernel/btf/veth"); err == nil && chosen() != tracepoint {
		args = append(args, "--all-kmods")
	}
	if chosen() == kprobe {
		args = append(args, "--filter-func", strings.Join(pathFunctions(), "|"))
	}
	return args
}

// pathFunctions returns the proofs of all ways, and some functions that all packets pass.
func pathFunctions() []string {
	m := functionMarks()
	list := slices.Concat(m.ping, m.ping6, m.udp, endings, []string{"skb_clone", "dev_queue_xmit_nit", "ip_send_skb", "netif_rx.*", "tcp_v4_rcv"})
	for _, w := range ways {
		list = append(list, w.proofs...)
	}
	return list
}

// followArguments returns --filter-track-skb with a filter that matches the packets as they are sent, but not after
// they have changed. With tracepoints, which cannot follow packets, the filter matches the packets in all forms.
func followArguments() []string {
	if !follows() {
		return []string{"net 10.20.0.0/14 or net fd20::/16 or net fd21::/16"}
	}
	return []string{"--filter-track-skb", fmt.Sprintf("(udp or tcp) and dst portrange %d-%d", followedPort, followedPort+99)}
}

// check checks the events of one path.
func (p *path) check(t *testing.T, events records) {
	for _, x := range p.programs {
		if x.Read(t) == 0 {
			t.Error("an XDP program was not run")
		}
	}
	if !follows() {
		here := events.that(p.isHere)
		for _, who := range []string{mine, other} {
			for _, fault := range append(p.misrouted(here.that(p.of(who))), p.unproven(here)...) {
				t.Errorf("%s: %s", who, fault)
			}
		}
		return
	}
	p.follows(t, journeys(events))
}

// isHere reports whether the event's packet has an address of this path.
func (p *path) isHere(r *record) bool {
	return p.has(r.Tuple.Source) || p.has(r.Tuple.Dest)
}

// follows checks that each packet is one journey, from the first event to the last.
func (p *path) follows(t *testing.T, all []*journey) {
	t.Helper()
	for _, j := range p.owned(all, unrelated) {
		t.Errorf("an unrelated packet was followed, as packet of %s: %s", j.events[0].brief(), j.events.that(p.of(unrelated))[0].brief())
	}
	for _, who := range []string{mine, other} {
		list := p.owned(all, who)
		if !p.flow && len(list) != 1 {
			t.Errorf("%s is %d packets, want 1: %s", who, len(list), firsts(list).briefly())
		}
		p.complete(t, who, list)
	}
	for _, j := range all {
		if mix := p.mixed(j); mix != "" {
			t.Error(mix)
		}
	}
}

// owned returns the journeys with an event of the packet.
func (p *path) owned(all []*journey, who string) []*journey {
	return slices.DeleteFunc(slices.Clone(all), func(j *journey) bool { return len(j.events.that(p.of(who))) == 0 })
}

// complete checks that one of the journeys covers the whole path, with all proofs and origins. A
// connection has several journeys, of which one must be complete.
func (p *path) complete(t *testing.T, who string, list []*journey) {
	t.Helper()
	var best []string
	for i, j := range list {
		lacks := p.lacks(j)
		if len(lacks) == 0 {
			return
		}
		if i == 0 || len(lacks) < len(best) {
			best = lacks
		}
	}
	t.Errorf("no journey of %s is complete, of %d: %s", who, len(list), strings.Join(best, "; "))
}

// lacks lists what a journey lacks of the path.
func (p *path) lacks(j *journey) []string {
	list := append(p.misrouted(j.events), p.unproven(j.events)...)
	for _, want := range p.origins {
		if !slices.ContainsFunc(strings.Split(want, "|"), func(o string) bool { return slices.Contains(j.origins(), o) }) {
			list = append(list, fmt.Sprintf("parts by %q, want %s", j.origins(), want))
		}
	}
	return list
}

// mixed returns an error text if a journey has events of two packets.
func (p *path) mixed(j *journey) string {
	var seen string
	for _, r := range j.events {
		who := p.whose(&r)
		if who == "" || who == seen {
			continue
		}
		if seen != "" {
			return fmt.Sprintf("packet %d has events of %s and of %s: %s", j.id, seen, who, r.brief())
		}
		seen = who
	}
	return ""
}

// firsts returns the first event of each journey.
func firsts(list []*journey) records {
	var events records
	for _, j := range list {
		events = append(events, j.events[0])
	}
	return events
}

// trees checks the tree of parts of each packet, and that no packet is on two paths.
func trees(t *testing.T, paths []*path, list []*journey) {
	for _, j := range list {
		for _, f := range j.faults() {
			t.Error(f)
		}
		if been := j.paths(paths); len(been) > 1 {
			t.Errorf("packet %d is on several ways: %q", j.id, been)
		}
	}
	for _, f := range sharedParts(list) {
		t.Error(f)
	}
}

// paths returns the names of the paths whose addresses appear in the events.
func (j *journey) paths(all []*path) []string {
	var been []string
	for _, p := range all {
		if len(j.events.that(p.isHere)) > 0 {
			been = append(been, p.name)
		}
	}
	return been
}
