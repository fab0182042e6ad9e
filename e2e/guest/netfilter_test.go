// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/nftables"

	"tracer/internal/ktest"
)

// Addresses of the router's other side and of the host there.
const (
	router4, far4 = "10.9.5.1", "10.9.5.2"
)

// routed is a world whose second host is a router that masquerades, with a third host behind it, which has no route
// to the first.
type routed struct {
	*world
	far *ktest.Netns
}

func newRouted(t *testing.T) *routed {
	t.Helper()
	w := &routed{newWorld(t), ktest.NewNetns(t, "far")}
	ktest.NewVeth(t,
		ktest.End{Netns: w.b, Name: "rb", Addresses: prefixes(router4 + "/24")},
		ktest.End{Netns: w.far, Name: "vf", Addresses: prefixes(far4 + "/24")})
	ktest.NewRoute(t, w.a, netip.MustParsePrefix("10.9.5.0/24"), netip.MustParseAddr(b4))
	ktest.MakeRouter(t, w.b)
	ktest.MasqueradeAll(t, w.b)
	ktest.AddChains(t, w.b,
		ktest.Chain{Name: "early", Hook: nftables.ChainHookPrerouting, Priority: -310},
		ktest.Chain{Name: "through", Hook: nftables.ChainHookForward, Priority: 7})
	ktest.DropTCP(t, w.b, 8081)
	return w
}

// talk makes a connection over the router, and one to the router itself, which drops it.
func (w *routed) talk() {
	w.t.Helper()
	if err := tcp(a4+":40080", far4+":8080", get).Exchange(w.a, w.far); err != nil {
		w.t.Fatal(err)
	}
	refused(w.t, w.a, tcp(a4+":40081", b4+":8081", ""))
}

// Filters for the forwarded packets: there matches packets to the server, back matches answers, to the router's address
// or, after translation, to the client's.
var (
	there = func(r *record) bool { return r.Tuple.Dport != nil && *r.Tuple.Dport == 8080 }
	back  = sport(8080)
	syn   = func(r *record) bool { return r.Tuple.Flags == "SYN" }
)

// hasModuleTypes reports whether this kernel has BTF of modules (5.11).
func hasModuleTypes() bool {
	_, err := os.Stat("/sys/kernel/btf/nf_tables")
	return err == nil
}

// modulesOfNetfilter returns arguments to trace functions of modules, if the kernel has BTF of them.
func modulesOfNetfilter() []string {
	if !hasModuleTypes() {
		return nil
	}
	return []string{"--kmods", "nf_tables,nf_conntrack,nf_nat,nft_chain_nat,nf_flow_table,nf_flow_table_inet,ip_tables,ip6_tables"}
}

// TestConntrack checks the conntrack column along the path of a connection through a router.
func TestConntrack(t *testing.T) {
	needFunctions(t)
	w := newRouted(t)
	p := start(t, "--filter-func", "nf_hook_slow|ip_output|dev_hard_start_xmit|ip_rcv", "--output-conntrack", "tcp and net 10.9.0.0/16")
	w.talk()
	router := p.stop().events.that(within(w.b))
	router.that(in("ip_rcv"), on("vb"), func(r *record) bool { return r.Conntrack != nil }).absent(t, "entry before connection tracking")
	sent := router.that(in("ip_output"), there)
	sent.that(syn).that(tracked("NEW", "SYN_SENT")).present(t, "SYN that begins a connection")
	sent.that(syn, not(tracked("NEW", "SYN_SENT"))).absent(t, "SYN in another state")
	sent.that(not(syn), tracked("ESTABLISHED", "ESTABLISHED")).present(t, "data of the connection")
	router.that(in("ip_output"), back).that(tracked("ESTABLISHED_REPLY", "ESTABLISHED")).present(t, "answer")
	router.that(in("dev_hard_start_xmit"), on("rb"), syn, flagged("CONFIRMED", "SRC_NAT", "SRC_NAT_DONE")).present(t, "SYN with the router's address")
	for _, r := range router.that(in("dev_hard_start_xmit"), there) {
		checkConnection(t, r.Conntrack)
	}
	for _, r := range router.that(in("ip_output", "dev_hard_start_xmit"), on("rb"), syn) {
		if left := *r.Conntrack.Timeout; left > 120 || left < 110 {
			t.Errorf("%d s left for the answer to a SYN, want two minutes: %s", left, r)
		}
	}
}

// tracked matches packets with this ctinfo whose connection has this TCP state.
func tracked(ctinfo, state string) func(*record) bool {
	return func(r *record) bool {
		c := r.Conntrack
		return c != nil && c.Ctinfo == ctinfo && c.TCPState != nil && *c.TCPState == state
	}
}

// flagged matches packets whose connection has all these status flags.
func flagged(status ...string) func(*record) bool {
	return func(r *record) bool {
		return r.Conntrack != nil && !slices.ContainsFunc(status, func(s string) bool { return !slices.Contains(r.Conntrack.Status, s) })
	}
}

// checkConnection checks the tuples of the two directions: the reply is addressed to the router.
func checkConnection(t *testing.T, c *connection) {
	t.Helper()
	if c == nil || c.Original == nil || c.Reply == nil || c.Zone == nil || *c.Zone != 0 || c.Mark == nil || *c.Mark != 0 {
		t.Errorf("connection %+v", c)
		return
	}
	if got, want := endpointsOf(c.Original), endpointsOf(c.Reply); got != a4+":40080 "+far4+":8080 tcp" || want != far4+":8080 "+router4+":40080 tcp" {
		t.Errorf("original %s, reply %s", got, want)
	}
}

func endpointsOf(t *tuple) string {
	if t.Sport == nil || t.Dport == nil {
		return "no ports"
	}
	return fmt.Sprintf("%s:%d %s:%d %s", t.Source, *t.Sport, t.Dest, *t.Dport, t.Protocol)
}

// TestNetfilter checks hooks, priorities, tables and chains of packets at a router.
func TestNetfilter(t *testing.T) {
	needFunctions(t)
	w := newRouted(t)
	ktest.AddIptables(t, w.b, "filter")
	ktest.NewFlowtable(t, w.b, "vb", 5)
	args := append(modulesOfNetfilter(), "--filter-func", "nf_hook_slow|nft_do_chain_.*|nft_nat_do_chain|nf_nat_.*|ipv4_conntrack_in|ipt_do_table|ip6t_do_table|nf_flow_offload_.*|ip_rcv",
		"--output-netfilter", "tcp")
	p := start(t, args...)
	w.talk()
	if err := tcp("["+a6+"]:40082", "["+b6+"]:8082", get).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	router := p.stop().events.that(within(w.b))
	router.that(in("ip_rcv"), func(r *record) bool { return r.Netfilter != nil }).absent(t, "hook outside of netfilter")
	for _, hook := range []string{"PREROUTING", "FORWARD", "POSTROUTING"} {
		router.that(in("nf_hook_slow"), there, hooked("ipv4", hook)).present(t, "hook "+hook)
	}
	router.that(in("nf_hook_slow"), there, hooked("ipv4", "INPUT")).absent(t, "hook that the packet does not pass")
	router.that(in("nf_hook_slow"), ports(40081, 8081), hooked("ipv4", "INPUT")).present(t, "hook of the drop")
	if hasModuleTypes() {
		checkChains(t, router)
	}
}

// hooked matches events in this netfilter hook.
func hooked(family, name string) func(*record) bool {
	return func(r *record) bool {
		return r.Netfilter != nil && r.Netfilter.Family == family && r.Netfilter.Hook == name
	}
}

// inChain matches events in a base chain with this priority.
func inChain(by, family, table, chain string, priority int) func(*record) bool {
	return func(r *record) bool {
		h := r.Netfilter
		named := h != nil && h.By == by && h.Of == family && h.Table == table && h.Chain == chain
		return named && h.Priority != nil && *h.Priority == priority
	}
}

// checkChains checks for the base chains that the packets pass.
func checkChains(t *testing.T, router records) {
	t.Helper()
	for what, found := range map[string]records{
		"chain early":       router.that(there, hooked("ipv4", "PREROUTING"), inChain("nft", "inet", "ktest", "early", -310)),
		"chain through":     router.that(there, hooked("ipv4", "FORWARD"), inChain("nft", "inet", "ktest", "through", 7)),
		"chain input":       router.that(ports(40081, 8081), hooked("ipv4", "INPUT"), inChain("nft", "inet", "ktest", "input", 0)),
		"chain out":         router.that(in("nft_nat_do_chain"), hooked("ipv4", "POSTROUTING"), inChain("nft", "ipv4", "nat", "out", 100)),
		"table of FORWARD":  router.that(in("ipt_do_table"), there, inChain("iptables", "ipv4", "filter", "FORWARD", 0)),
		"table of INPUT":    router.that(in("ipt_do_table"), ports(40081, 8081), inChain("iptables", "ipv4", "filter", "INPUT", 0)),
		"chain early, IPv6": router.that(to(b6), hooked("ipv6", "PREROUTING"), inChain("nft", "inet", "ktest", "early", -310)),
		"table, IPv6":       router.that(in("ip6t_do_table"), to(b6), inChain("ip6tables", "ipv6", "filter", "INPUT", 0)),
		"flowtable":         router.that(in("nf_flow_offload_inet_hook"), there, hooked("netdev", "INGRESS"), atPriority(5)),
		"conntrack":         router.that(in("ipv4_conntrack_in"), hooked("ipv4", "PREROUTING"), atPriority(-200)),
	} {
		found.present(t, what)
	}
}

// atPriority matches events in a hook function with this priority that has no chain.
func atPriority(priority int) func(*record) bool {
	return func(r *record) bool {
		return r.Netfilter.Priority != nil && *r.Netfilter.Priority == priority && r.Netfilter.By == ""
	}
}
