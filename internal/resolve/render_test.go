// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// matches and statements are the parts of random rules for inet tables. This package can print all of them.
var matches = []string{
	"tcp dport 25", "tcp sport 1024-65535", "udp dport { 53, 123, 5353 }", "tcp dport != 80", "tcp dport != 10-20", "udp sport { 1, 5-7, 1000-1001 }", "tcp dport != { 22, 23 }",
	"tcp dport > 1023", "tcp dport <= 80", "sctp dport 99", "tcp dport @ports", "udp dport @ports",
	"ip saddr 10.244.0.11", "ip daddr 10.0.0.0/8", "ip saddr 192.168.4.0/22", "ip saddr != 10.1.0.0/16", "ip saddr { 10.0.0.1, 10.0.0.9 }", "ip daddr { 10.0.0.0/8, 192.168.0.0/16, 1.2.3.4-1.2.3.9 }",
	"ip saddr @hosts", "ip daddr != @nets", "ip saddr 1.2.3.4-1.2.3.9", "ip ttl 1", "ip protocol icmp", "ip protocol { tcp, udp }",
	"ip6 saddr fe80::/10", "ip6 daddr 2001:db8::1", "ip6 saddr { 2001:db8::/32, ::1 }", "ip6 hoplimit 255", "ip6 daddr != 2001:db8::/64", "ip6 nexthdr tcp",
	`iifname "eth0"`, `oifname "eth*"`, `iifname != "lo"`, `iifname { "eth0", "eth1", "wlan0" }`, `oifname @ifaces`, `iif "lo"`, `oif != "lo"`,
	"ct state established,related", "ct state invalid", "ct state new", "ct state { new, established }", "ct state != established", "ct status dnat", "ct mark 0x10", "ct direction reply",
	"meta l4proto tcp", "meta l4proto { tcp, udp }", "meta l4proto { tcp, udp } th dport 53", "meta l4proto != tcp", "meta nfproto ipv4", "meta nfproto ipv6", "meta mark 0x1", "meta mark & 0xff == 0x2", "meta mark and 0xff00 != 0x100", "meta mark { 1, 256, 2 }",
	"meta skuid 0", "meta skuid 1000-2000", "meta length > 1000", "meta pkttype multicast", "meta cpu 0",
	"icmp type echo-request", "icmpv6 type { nd-neighbor-solicit, nd-router-advert }", "icmp type { echo-request, echo-reply }", "icmpv6 type echo-request", "icmp type destination-unreachable icmp code 4",
	"ip saddr . tcp dport { 1.2.3.4 . 80, 2.3.4.5 . 90 }", "ip saddr . udp dport @pairs", "ip saddr . tcp dport { 10.0.0.0/8 . 80-90, 1.1.1.1 . 5 }", "ip saddr . ip daddr { 1.1.1.1 . 2.2.2.2 }", `iifname . ip saddr { "eth0" . 1.1.1.1 }`,
	"tcp flags syn / fin,syn,rst,ack", "tcp flags & (fin|syn) == fin|syn", "tcp flags syn", "tcp flags == syn",
	"fib saddr . iif oif missing", "fib saddr . mark . iif oif exists", "fib daddr type local", "fib daddr type { broadcast, anycast, multicast }", "fib daddr . iif type != { local, broadcast }", "fib saddr type != unicast",
	"ip frag-off & 0x1fff != 0", "tcp dport & 0xff00 == 0x100", "ip id & 15 == 3",
	"ether saddr 02:00:00:00:00:01", "meta protocol ip", "meta protocol ip6",
}

var statements = []string{
	"counter", "limit rate 10/second", "limit rate over 10/minute burst 7 packets", "limit rate 10 kbytes/second", "limit rate over 1 mbytes/hour burst 3 kbytes", "limit rate 1/day",
	"log", `log prefix "drop: "`, `log prefix "x" level info`, "log group 2", `log prefix "n" group 3 snaplen 64 queue-threshold 5`, "log flags all", "log flags tcp sequence,options", "log level debug flags skuid flags ether", "meta mark set 0x5",
	"ct count over 10", "ct count 5", "quota over 10 mbytes", "quota 1000 bytes", `counter name "cn"`, `quota name "qn"`, `limit name "ln"`,
	"add @dyn { ip saddr }", "update @dyn { ip saddr limit rate 5/minute }", "add @dyn { ip saddr ct count over 3 }", "update @dyn2 { ip saddr . tcp dport timeout 10s counter }", "add @dyn2 { ip saddr . tcp dport timeout 1d1h3m7s }",
}

var endings = []string{
	"accept", "drop", "return", "continue", "jump side", "goto side", "reject", "reject with icmpx admin-prohibited", "reject with icmpx host-unreachable", "jump { counter; ip saddr 1.2.3.4 drop; }",
	`drop comment "netpol-42"`, "", "tcp dport vmap { 80 : accept, 22 : jump side, 1-10 : drop }", "ct state vmap { established : accept, invalid : drop }", "ip saddr vmap @verdicts", "reject with icmp host-unreachable", "reject with icmpv6 no-route",
	"meta l4proto tcp reject with tcp reset", `iifname vmap { "eth0" : accept, * : drop }`,
}

// randomRule returns a rule of random parts.
func randomRule(r *rand.Rand) string {
	var parts []string
	for range r.IntN(3) {
		parts = append(parts, matches[r.IntN(len(matches))])
	}
	for range r.IntN(3) {
		parts = append(parts, statements[r.IntN(len(statements))])
	}
	return strings.Join(append(parts, endings[r.IntN(len(endings))]), " ")
}

const frame = `table inet t {
	set ports { type inet_service; elements = { 1, 2 } }
	set hosts { type ipv4_addr; }
	set nets { type ipv4_addr; flags interval; }
	set ifaces { type ifname; }
	set pairs { type ipv4_addr . inet_service; }
	map verdicts { type ipv4_addr : verdict; elements = { 1.2.3.4 : goto side } }
	counter cn { }
	quota qn { over 10 mbytes }
	limit ln { rate 10/second }
	set dyn { type ipv4_addr; flags dynamic; size 100; }
	set dyn2 { type ipv4_addr . inet_service; flags dynamic,timeout; size 100; timeout 1m; }
	chain side { }
	chain input { type filter hook input priority filter; policy accept; }
}
`

// TestRenderEqualsNft compares this package's texts with those of nft: of each part alone, and of random rules.
func TestRenderEqualsNft(t *testing.T) {
	if version, err := exec.Command(needs(t, "nft"), "--version").Output(); err != nil || !strings.HasPrefix(string(version), "nftables v1.0.") {
		t.Skipf("%s prints some expressions in another way: %v", version, err)
	}
	n := ktest.NewNetns(t, "resolve-render")
	load(t, n, frame)
	var rules []string
	for _, list := range [][]string{matches, statements, endings} {
		for _, part := range list {
			if part != "" {
				rules = append(rules, part)
			}
		}
	}
	for _, rule := range rules {
		load(t, n, "add rule inet t input "+rule)
	}
	single := lastHandle(t, n)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		rule := randomRule(random)
		if rule == "" || tryLoad(n, "add rule inet t input "+rule) != nil {
			continue // such as ip saddr ip6 daddr, which contradict each other
		}
	}
	compared := compareTexts(t, n, tableKey{unix.NFPROTO_INET, "t"}, single)
	if compared < len(rules)+50 {
		t.Errorf("%d rules were compared", compared)
	}
	t.Logf("seed %d: %d rules", seed, compared)
}

// lastHandle returns the handle of the last rule of the table.
func lastHandle(t *testing.T, n *ktest.Netns) (last uint64) {
	_, table := tableOf(t, newHost(t, "none"), n, tableKey{unix.NFPROTO_INET, "t"})
	for handle := range table.rules {
		last = max(last, handle)
	}
	return last
}

func tryLoad(n *ktest.Netns, ruleset string) error {
	return n.Do(func() error {
		cmd := exec.Command("nft", "-f", "-")
		cmd.Stdin = strings.NewReader(ruleset)
		return cmd.Run()
	})
}

// compareTexts compares the texts of all rules of a table, and returns the number of complete ones. The texts of rules up to
// a handle must be complete.
func compareTexts(t *testing.T, n *ktest.Netns, key tableKey, complete uint64) int {
	t.Helper()
	h := newHost(t, needs(t, "nft"))
	ns, table := tableOf(t, h, n, key)
	compared := 0
	for handle, r := range table.rules {
		if isAnonymous(r.chain) {
			continue // part of another rule's text
		}
		ask := ns.questions(table, r, h.deadline())
		ask.elements = 0
		got, partial := table.render(r, ask)
		want := table.texts[handle]
		if strings.Contains(want, "@ll,") {
			continue // nft does not know its own merged comparison of adjacent fields any more
		}
		if (got != want && !partial) || partial && handle <= complete {
			t.Errorf("handle %d, partial %v:\n got %s\nwant %s", handle, partial, got, want)
		}
		if partial {
			t.Logf("partial:\n got %s\nwant %s", got, want)
			continue
		}
		compared++
	}
	return compared
}
