// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

const (
	randomChains = 10
	randomRules  = 20 // per chain
)

// addRandomRules adds a table whose policy drops all datagrams that no rule drops. Each rule that drops has a comment,
// and counts exactly the packets that it drops.
func addRandomRules(t *testing.T, n *ktest.Netns, seed uint64) *randomRuleset {
	t.Helper()
	r := &randomRuleset{Rand: rand.New(rand.NewPCG(seed, 6)), rules: ktest.NewRuleset(t, n)}
	r.table = r.rules.Table(nftables.TableFamilyINet, "random")
	r.chains = []*nftables.Chain{r.rules.Base(r.table, "base", nftables.ChainHookInput, 0, nftables.ChainPolicyDrop, "")}
	for i := 1; i <= randomChains; i++ {
		r.chains = append(r.chains, r.rules.Chain(r.table, fmt.Sprint("chain-", i)))
	}
	r.rules.Rule(r.chains[0], "", &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{unix.IPPROTO_UDP}}, verdict(expr.VerdictAccept, ""))
	for i := range r.chains {
		for range randomRules {
			kinds := slices.Concat(plainRules, jumpingRules)
			if i == randomChains {
				kinds = plainRules
			}
			r.addAny(kinds, i, i+1)
		}
		r.rules.Commit() // all rules at once would be too many for a netlink socket
	}
	return r
}

// change inserts rules without effect into the chains until stop is closed, so that the kernel replaces the memory of their
// rules.
func (r *randomRuleset) change(t *testing.T, n *ktest.Netns, stop <-chan struct{}) (changes int) {
	for {
		select {
		case <-stop:
			return changes
		case <-time.After(5 * time.Millisecond):
		}
		err := n.Do(func() error {
			c, err := nftables.New()
			if err != nil {
				return err
			}
			c.InsertRule(&nftables.Rule{Table: r.table, Chain: r.chains[changes%len(r.chains)], Exprs: udpPort(9, &expr.Counter{})})
			return c.Flush()
		})
		if err != nil {
			t.Errorf("change %d: %v", changes, err)
			return changes
		}
		changes++
	}
}

// sendAtRandom sends datagrams to random ports.
func sendAtRandom(w *world, seed uint64, count int) error {
	r := rand.New(rand.NewPCG(seed, 7))
	return w.a.Do(func() error {
		c, err := udp(a4+":0", b4+":0").Open()
		if err != nil {
			return err
		}
		defer c.Close()
		for range count {
			to := netip.AddrPortFrom(netip.MustParseAddr(b4), uint16(firstPort+r.IntN(randomPorts)))
			if _, err := c.WriteTo([]byte("random"), net.UDPAddrFromAddrPort(to)); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestNftRuleAtRandom compares the causes of drops with the counters of random rules while the ruleset changes. The cause
// of a packet that passes a chain while the chain changes may be unknown, but never wrong.
func TestNftRuleAtRandom(t *testing.T) {
	backends := functionBackends(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := newWorld(t)
	ping(t, w.a, b4, 1) // resolves the address
	rules := addRandomRules(t, w.b, seed)
	const senders, datagrams = 2, 1500
	p := start(t, "--backend", backends[0], "--drop", "--why", "netfilter", "udp and dst host "+b4)
	stop, changes, sent := make(chan struct{}), make(chan int), make(chan error)
	go func() { changes <- rules.change(t, w.b, stop) }()
	for i := range uint64(senders) {
		go func() { sent <- sendAtRandom(w, seed+i, datagrams) }()
	}
	for range senders {
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
	close(stop)
	t.Logf("%d changes", <-changes)
	events := p.stop().events.that(dropped)
	checkRandomDrops(t, events, ktest.ListRules(t, w.b), senders*datagrams)
}

func checkRandomDrops(t *testing.T, events records, rules []ktest.ListedRule, sent int) {
	t.Helper()
	seen := map[string]int{}
	for _, e := range events {
		seen[fmt.Sprint(e.Why.Cause == "nft-rule" || e.Why.Cause == "nft-rule-returned", string(e.Why.Values["nft_rule.handle"]))]++
	}
	unknown, missing, used := len(events.that(func(r *record) bool { return r.Why.Cause == "unknown" })), 0, 0
	byPolicy := sent
	for _, r := range rules {
		if r.Comment == "" {
			continue
		}
		got, want := seen[fmt.Sprint(true, jsonOf(r.Handle))], int(r.Packets)
		if got > want {
			t.Errorf("rule %q, handle %d: %d drops, but its counter says %d", r.Comment, r.Handle, got, want)
		}
		missing += want - got
		byPolicy -= want
		used += min(want, 1)
	}
	policy := seen[fmt.Sprint(false, "0")]
	missing += byPolicy - policy
	if policy > byPolicy || missing != unknown || len(events) != sent {
		t.Errorf("%d datagrams, %d drops: %d by the policy, want %d; %d unknown, want %d", sent, len(events), policy, byPolicy, unknown, missing)
	}
	if unknown > sent/100 || used < 10 {
		t.Errorf("%d of %d causes are unknown, %d rules dropped", unknown, sent, used)
	}
	t.Logf("%d drops by %d rules, %d by the policy, %d unknown", sent-byPolicy, used, policy, unknown)
}
