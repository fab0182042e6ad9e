// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// DropTCP makes a namespace drop what comes in for a TCP port, over IPv4 and IPv6,
// with one nftables rule: `meta l4proto tcp tcp dport PORT drop`.
func DropTCP(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	must(t, n.Do(func() error { return dropTCP(port) }))
}

func dropTCP(port uint16) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Name: "ktest", Family: nftables.TableFamilyINet})
	chain := c.AddChain(&nftables.Chain{
		Name: "input", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	})
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: dropPort(port)})
	return c.Flush()
}

// dropPort is the rule as the kernel's little machine runs it.
func dropPort(port uint16) []expr.Any {
	return append(toPort(unix.IPPROTO_TCP, port), &expr.Verdict{Kind: expr.VerdictDrop})
}

// toPort holds for packets of a protocol to a port.
func toPort(protocol byte, port uint16) []expr.Any {
	const register = 1
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{protocol}},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: big16(port)},
	}
}

// RejectTCP makes a namespace refuse to send to a TCP port, with an ICMP error to itself:
// `tcp dport PORT reject with icmp host-unreachable`.
func RejectTCP(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	needsModule(t, n.Do(func() error { return rejectTCP(port) }))
}

func rejectTCP(port uint16) error {
	const unreachable, host = 0, 1 // NFT_REJECT_ICMP_UNREACH, ICMP_HOST_UNREACH
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Name: "ktest-reject", Family: nftables.TableFamilyIPv4})
	chain := c.AddChain(&nftables.Chain{
		Name: "output", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter,
	})
	rule := append(toPort(unix.IPPROTO_TCP, port), &expr.Reject{Type: unreachable, Code: host})
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule})
	return c.Flush()
}

// ResetTCP makes a namespace answer what comes in for a TCP port with a reset:
// `tcp dport PORT reject with tcp reset`.
func ResetTCP(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	const reset = 1 // NFT_REJECT_TCP_RST
	rule := append(toPort(unix.IPPROTO_TCP, port), &expr.Reject{Type: reset})
	addRule(t, n, nftables.TableFamilyIPv4, rule)
}

// DropICMP makes a namespace drop all ICMP that comes in: `meta l4proto icmp drop`.
func DropICMP(t testing.TB, n *Netns) {
	t.Helper()
	const register = 1
	addRule(t, n, nftables.TableFamilyINet, []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{unix.IPPROTO_ICMP}},
		&expr.Verdict{Kind: expr.VerdictDrop},
	})
}

// addRule adds a rule to the chain input of the table filter.
func addRule(t testing.TB, n *Netns, family nftables.TableFamily, rule []expr.Any) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Name: "filter", Family: family})
		chain := c.AddChain(&nftables.Chain{
			Name: "input", Table: table, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
		})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule})
		return c.Flush()
	}))
}

// FlushRules removes all rules of nftables from a namespace.
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
