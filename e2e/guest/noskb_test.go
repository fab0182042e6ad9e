// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"strings"
	"testing"
)

// lookUp is a function without an skb argument that runs twice for each received packet: to find its route, and to
// validate its source address.
const lookUp = "fib_table_lookup"

// lookUps sends datagrams from a traced port and, with others, as many concurrently from an untraced
// one. It returns the numbers of traced packets and of look-ups that are assigned to them.
func lookUps(t *testing.T, w *world, backend string, others bool, flags ...string) (packets, found int) {
	t.Helper()
	const each = 80
	args := append([]string{
		"--backend", backend, "--filter-non-skb-funcs", lookUp, "--filter-func", "ip_rcv|ip_route_input.*|fib_validate_source",
		"--filter-netns", w.b.Path, "udp and src port 7001",
	}, flags...)
	p := start(t, args...)
	done := make(chan error, 2)
	go func() { done <- w.a.Do(func() error { return udp(a4+":7001", b4+":7777").Send(each) }) }()
	go func() {
		if !others {
			done <- nil
			return
		}
		done <- w.a.Do(func() error { return udp(a4+":7002", b4+":7777").Send(each) })
	}()
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	events := p.stop().events
	events.that(not(sport(7001))).absent(t, "events of other packets")
	return len(events.that(isEntry, in("ip_rcv"))), len(events.that(isEntry, in(lookUp)))
}

// TestNonSkbFunctionAttribution checks that calls for untraced packets are not assigned to traced packets, which pass
// the same functions at the same time on the same stack.
func TestNonSkbFunctionAttribution(t *testing.T) {
	for _, backend := range functionBackends(t) {
		for name, flags := range map[string][]string{"entries": nil, "returns": {"--output-return"}} {
			if flags == nil && isBrief() { // the run with returns also has entries
				continue
			}
			t.Run(backend+"/"+name, func(t *testing.T) {
				w := newWorld(t)
				listenAt(t, w.b, b4+":7777")
				ping(t, w.a, b4, 0x3201)
				packets, alone := lookUps(t, w, backend, false, flags...)
				again, among := lookUps(t, w, backend, true, flags...)
				if packets == 0 || alone < packets {
					t.Fatalf("%d look-ups for %d packets", alone, packets)
				}
				if alone*again != among*packets {
					t.Errorf("%d look-ups for %d packets, and %d for %d among others", alone, packets, among, again)
				}
			})
		}
	}
}

// TestNonSkbFunctionsWithAllFunctions combines --filter-non-skb-funcs with all functions that have an skb argument, or
// with presets if each function needs its own kprobe.
func TestNonSkbFunctionsWithAllFunctions(t *testing.T) {
	w := newWorld(t)
	needFunctions(t)
	args := []string{"--filter-non-skb-funcs", lookUp + ",neigh_.*", "icmp"}
	if chosen() == kprobe {
		args = append(args, "--filter-func", "@rx|@tx|@route")
	}
	p := start(t, args...)
	ping(t, w.a, b4, 0x3202)
	events := p.stop().events
	found := events.that(in(lookUp))
	found.present(t, lookUp)
	found.that(not(between(a4, b4))).absent(t, "look-ups for another packet")
	if p.backend() != chosen() {
		t.Errorf("backend %s, want %s", p.backend(), chosen())
	}
}

// TestUnknownNonSkbFunction checks the error for a name that no function has.
func TestUnknownNonSkbFunction(t *testing.T) {
	needFunctions(t)
	p := command{args: []string{"--filter-non-skb-funcs", lookUp + ",no_such_function"}}.start(t)
	p.ends(soon, 2)
	if want := `--filter-non-skb-funcs "no_such_function": no function with this name can be traced`; !strings.Contains(p.stderr(), want) {
		t.Errorf("stderr does not say %s: %s", want, p.stderr())
	}
}
