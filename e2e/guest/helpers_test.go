// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// aroundTC matches the functions with an skb argument that call the traffic control programs.
const aroundTC = "tcf_classify.*|__netif_receive_skb.*"

// burst is the number of datagrams that each port sends.
const burst = 100

// mapped is a world with a BPF program at vb that uses maps.
type mapped struct {
	*world
	*ktest.MapUser
}

func newMapped(t *testing.T) *mapped {
	t.Helper()
	w := newWorld(t)
	m := &mapped{w, ktest.NewMapUser(t, w.b, "vb")}
	listenAt(t, w.b, b4+":7777")
	ping(t, w.a, b4, 0x3301)
	return m
}

// both concurrently sends datagrams from a traced port, and as many from an untraced port.
func (m *mapped) both() {
	m.t.Helper()
	done := make(chan error, 2)
	for _, port := range []int{7001, 7002} {
		go func() {
			done <- m.a.Do(func() error { return udp(fmt.Sprintf("%s:%d", a4, port), b4+":7777").Send(burst) })
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			m.t.Fatal(err)
		}
	}
}

// TestHelperCalls checks that each helper call of a program for a traced packet is reported once, and calls for other
// packets are not reported.
func TestHelperCalls(t *testing.T) {
	for _, backend := range needFunctions(t)[:1] { // only the best: the others behave the same, and take minutes
		t.Run(backend, func(t *testing.T) {
			m := newMapped(t)
			p := start(t, "--backend", backend, "--debug", "--filter-track-bpf-helpers", "--filter-func", aroundTC,
				"--filter-netns", m.b.Path, "udp and src port 7001")
			m.both()
			trace := p.stop()
			trace.events.that(not(sport(7001))).absent(t, "of other packets")
			m.checkHelpers(trace)
			if t.Failed() {
				t.Logf("stderr: %s", p.stderr())
			}
		})
	}
}

func (m *mapped) checkHelpers(trace *trace) {
	m.t.Helper()
	packets := len(trace.events.that(isEntry, in("tcf_classify", "tcf_classify_ingress")))
	if packets == 0 {
		m.t.Fatalf("no packet, only %v", trace.events.funcs())
	}
	helpers := []string{"bpf_skb_load_bytes", "bpf_skb_store_bytes", "htab_map_update_elem", "htab_map_delete_elem"}
	if seesTries(m.t) {
		helpers = append(helpers, lookUpInTrie)
	}
	if m.Kfunc {
		helpers = append(helpers, "bpf_rcu_read_lock", "bpf_rcu_read_unlock")
	}
	for _, helper := range helpers {
		if n := len(trace.events.that(isEntry, in(helper))); n != packets {
			m.t.Errorf("%d calls of %s for %d packets", n, helper, packets)
		}
	}
	trace.events.that(in("__htab_map_lookup_elem")).present(m.t, "look-ups in hash tables")
	if s := trace.summary; s.Missed > s.Matched/100 {
		m.t.Errorf("%d missed of %d matched: are our own calls among them?", s.Missed, s.Matched)
	}
}

// TestNoHelpersIsAnError checks the error if no loaded program handles packets.
func TestNoHelpersIsAnError(t *testing.T) {
	needFunctions(t)
	p := command{args: []string{"--filter-track-bpf-helpers"}}.start(t)
	p.ends(soon, 2)
	if want := "--filter-track-bpf-helpers: no BPF program that handles packets is loaded"; !strings.Contains(p.stderr(), want) {
		t.Errorf("stderr does not say %s: %s", want, p.stderr())
	}
}
