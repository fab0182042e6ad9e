// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// DropTCP makes a namespace drop everything that it receives for a TCP port, over IPv4 and IPv6:
// `meta l4proto tcp tcp dport PORT drop`.
func DropTCP(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	table := &nftables.Table{Name: "ktest", Family: nftables.TableFamilyINet}
	must(t, n.addRule(table, filterChain("input", nftables.ChainHookInput), dropPort(port)))
}

// DropForwarded makes a router drop forwarded datagrams to a port: `udp dport PORT drop`.
func DropForwarded(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	table := &nftables.Table{Name: "ktest-forward", Family: nftables.TableFamilyIPv4}
	rule := append(toPort(unix.IPPROTO_UDP, port), &expr.Verdict{Kind: expr.VerdictDrop})
	needsModule(t, n.addRule(table, filterChain("forward", nftables.ChainHookForward), rule))
}

// DropByPolicy makes a router drop everything that it would forward: a chain with policy drop and no rules.
func DropByPolicy(t testing.TB, n *Netns) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		drop := nftables.ChainPolicyDrop
		chain := filterChain("forward", nftables.ChainHookForward)
		chain.Table, chain.Policy = c.AddTable(&nftables.Table{Name: "ktest-policy", Family: nftables.TableFamilyIPv4}), &drop
		c.AddChain(chain)
		return c.Flush()
	}))
}

// DropLaterFragments makes a namespace drop all fragments except the first of a packet, before reassembly:
// `ip frag-off & 0x1fff != 0 drop`.
func DropLaterFragments(t testing.TB, n *Netns) {
	t.Helper()
	const register = 1
	early := nftables.ChainPriority(-450) // before NF_IP_PRI_CONNTRACK_DEFRAG
	chain := filterChain("fragments", nftables.ChainHookPrerouting)
	chain.Priority = &early
	table := &nftables.Table{Name: "ktest-fragments", Family: nftables.TableFamilyIPv4}
	needsModule(t, n.addRule(table, chain, []expr.Any{
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 6, Len: 2},
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 2, Mask: []byte{0x1f, 0xff}, Xor: []byte{0, 0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: []byte{0, 0}},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}))
}

// dropPort returns the rule as nftables expressions.
func dropPort(port uint16) []expr.Any {
	return append(toPort(unix.IPPROTO_TCP, port), &expr.Verdict{Kind: expr.VerdictDrop})
}

// toPort matches packets of a protocol to a port.
func toPort(protocol byte, port uint16) []expr.Any {
	const register = 1
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{protocol}},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: big16(port)},
	}
}

// RejectTCP makes a namespace drop what it sends to a TCP port, with an ICMP error to the sender:
// `tcp dport PORT reject with icmp host-unreachable`.
func RejectTCP(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	const unreachable, host = 0, 1 // NFT_REJECT_ICMP_UNREACH, ICMP_HOST_UNREACH
	table := &nftables.Table{Name: "ktest-reject", Family: nftables.TableFamilyIPv4}
	rule := append(toPort(unix.IPPROTO_TCP, port), &expr.Reject{Type: unreachable, Code: host})
	needsModule(t, n.addRule(table, filterChain("output", nftables.ChainHookOutput), rule))
}

// ResetTCP makes a namespace answer everything that it receives for a TCP port with a reset:
// `tcp dport PORT reject with tcp reset`.
func ResetTCP(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	const reset = 1 // NFT_REJECT_TCP_RST
	table := &nftables.Table{Name: "filter", Family: nftables.TableFamilyIPv4}
	rule := append(toPort(unix.IPPROTO_TCP, port), &expr.Reject{Type: reset})
	needsModule(t, n.addRule(table, filterChain("input", nftables.ChainHookInput), rule))
}

// DropICMP makes a namespace drop all ICMP that it receives: `meta l4proto icmp drop`.
func DropICMP(t testing.TB, n *Netns) {
	t.Helper()
	const register = 1
	table := &nftables.Table{Name: "filter", Family: nftables.TableFamilyINet}
	needsModule(t, n.addRule(table, filterChain("input", nftables.ChainHookInput), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{unix.IPPROTO_ICMP}},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}))
}

// DropSent makes a namespace drop what it sends of a protocol, over IPv4 and IPv6: everything if port is 0
// (`meta l4proto PROTOCOL drop`), or else only packets to that port.
func DropSent(t testing.TB, n *Netns, protocol byte, port uint16) {
	t.Helper()
	rule := toPort(protocol, port)
	if port == 0 {
		rule = rule[:2] // the protocol only
	}
	table := &nftables.Table{Name: "ktest-sent", Family: nftables.TableFamilyINet}
	rule = append(rule, &expr.Verdict{Kind: expr.VerdictDrop})
	needsModule(t, n.addRule(table, filterChain("output", nftables.ChainHookOutput), rule))
}

// filterChain returns a base chain of type filter with the usual priority.
func filterChain(name string, hook *nftables.ChainHook) *nftables.Chain {
	return &nftables.Chain{Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter}
}

// addRule adds a rule to a chain, and creates the table and the chain if they do not exist.
func (n *Netns) addRule(table *nftables.Table, chain *nftables.Chain, rule []expr.Any) error {
	return n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		chain.Table = c.AddTable(table)
		c.AddRule(&nftables.Rule{Table: chain.Table, Chain: c.AddChain(chain), Exprs: rule})
		return c.Flush()
	})
}

// FlushRules removes all nftables tables and rules of a namespace.
func FlushRules(t testing.TB, n *Netns) {
	t.Helper()
	must(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		c.FlushRuleset()
		return c.Flush()
	}))
}
