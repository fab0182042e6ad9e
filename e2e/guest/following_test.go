// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestFollowing sends packets on all ways at once, and looks for each in the trace:
// first that it really went there, then that it was one and the same packet.
func TestFollowing(t *testing.T) {
	c := newCountry(t)
	paths := c.lay(t)
	t.Run("without a trace", func(t *testing.T) { walkAll(t, paths) }) // neighbours get to know each other
	p := start(t, append(functions(), whatToFollow()...)...)
	walkAll(t, paths)
	events := p.stop().events
	for _, path := range paths {
		t.Run(path.name, func(t *testing.T) { path.judge(t, events) })
	}
	if follows() {
		t.Run("family trees", func(t *testing.T) { trees(t, paths, journeys(events)) })
		t.Run("without data", events.withoutData)
	}
	if t.Failed() {
		keep(t, "following.json", p.stdout())
	}
}

// withoutData wants no headers to be told of packets whose data are freed: these may be
// another packet's by then.
func (rs records) withoutData(t *testing.T) {
	const last = "kfree_skbmem"
	freed := rs.that(func(r *record) bool { return r.Func == last || r.Func == "napi_skb_cache_put" })
	if len(freed) == 0 && describes(last) {
		t.Errorf("no event of %s", last)
	}
	freed.that(func(r *record) bool { return r.Tuple.Network != "none" }).absent(t, "headers of freed data")
	freed.that(func(r *record) bool { return r.ID == 0 }).absent(t, "freed packets that nobody knows")
}

// lay makes all paths that this kernel can have. Where a module is missing that is
// a skip.
func (c *country) lay(t *testing.T) []*path {
	t.Helper()
	var paths []*path
	for i := range ways {
		w := &ways[i]
		if w.here != nil && !w.here() {
			t.Logf("not here: %s", w.name)
			continue
		}
		t.Run("lay "+w.name, func(lay *testing.T) {
			p := &path{way: w, country: c, t: lay, lasting: t, number: i + 1, begin: beginnings(i + 1), port: followedPort + i + 1}
			w.lay(p)
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

// follows says that functions are seen: tracepoints alone show too little of what
// makes one sk_buff of another.
func follows() bool { return chosen() != tracepoint }

// functions are all, those of modules too where the kernel has types for them. To
// attach them one by one takes minutes, so that they are few then.
func functions() []string {
	var args []string
	if _, err := os.Stat("/sys/kernel/btf/veth"); err == nil && chosen() != tracepoint {
		args = append(args, "--all-kmods")
	}
	if chosen() == kprobe {
		args = append(args, "--filter-func", strings.Join(signposts(), "|"))
	}
	return args
}

// signposts are the functions that prove anything, and some that all packets pass.
func signposts() []string {
	m := functionMarks()
	list := slices.Concat(m.ping, m.ping6, m.udp, endings, []string{"skb_clone", "dev_queue_xmit_nit", "ip_send_skb", "netif_rx.*", "tcp_v4_rcv"})
	for _, w := range ways {
		list = append(list, w.proofs...)
	}
	return list
}

// whatToFollow is a filter for the packets as they are sent, and for nothing that
// becomes of them. Where they can't be followed, it is one for everything.
func whatToFollow() []string {
	if !follows() {
		return []string{"net 10.20.0.0/14 or net fd20::/16 or net fd21::/16"}
	}
	return []string{"--filter-track-skb", fmt.Sprintf("(udp or tcp) and dst portrange %d-%d", followedPort, followedPort+99)}
}

// judge looks at what happened on one path.
func (p *path) judge(t *testing.T, events records) {
	for _, x := range p.programs {
		if x.Read(t) == 0 {
			t.Error("an XDP program was not run")
		}
	}
	if !follows() {
		here := events.that(p.isHere)
		for _, who := range []string{mine, other} {
			for _, fault := range append(p.astray(here.that(p.of(who))), p.unproven(here)...) {
				t.Errorf("%s: %s", who, fault)
			}
		}
		return
	}
	p.follows(t, journeys(events))
}

// isHere says that an event is of a packet on this path.
func (p *path) isHere(r *record) bool {
	return p.has(r.Tuple.Source) || p.has(r.Tuple.Dest)
}

// follows wants each packet to be one journey, from the first event to the last.
func (p *path) follows(t *testing.T, all []*journey) {
	t.Helper()
	for _, j := range p.owned(all, stranger) {
		t.Errorf("a stranger was followed, as packet of %s: %s", j.events[0].brief(), j.events.that(p.of(stranger))[0].brief())
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

// owned are the journeys with an event of somebody's packet.
func (p *path) owned(all []*journey, who string) []*journey {
	return slices.DeleteFunc(slices.Clone(all), func(j *journey) bool { return len(j.events.that(p.of(who))) == 0 })
}

// complete wants one journey to lead all the way, with everything that was to be. A
// connection has several: one has to be complete.
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

// lacks is what does not show in a journey.
func (p *path) lacks(j *journey) []string {
	list := append(p.astray(j.events), p.unproven(j.events)...)
	for _, want := range p.origins {
		if !slices.ContainsFunc(strings.Split(want, "|"), func(o string) bool { return slices.Contains(j.origins(), o) }) {
			list = append(list, fmt.Sprintf("parts by %q, want %s", j.origins(), want))
		}
	}
	return list
}

// mixed says what is wrong with a journey that has events of two packets.
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

// firsts are the beginnings of journeys.
func firsts(list []*journey) records {
	var events records
	for _, j := range list {
		events = append(events, j.events[0])
	}
	return events
}

// trees looks at the parts of all packets, and for packets on two paths.
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

// paths are those whose addresses show in the events.
func (j *journey) paths(all []*path) []string {
	var been []string
	for _, p := range all {
		if len(j.events.that(p.isHere)) > 0 {
			been = append(been, p.name)
		}
	}
	return been
}
