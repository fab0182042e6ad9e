// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// TestRuleset checks that rules are listed with comment, handle and counter, and that the dump shows rules, but not the
// values of counters.
func TestRuleset(t *testing.T) {
	n := NewNetns(t, "ktest")
	r := NewRuleset(t, n)
	table := r.Table(nftables.TableFamilyINet, "t")
	r.Chain(table, "empty")
	input := r.Base(table, "input", nftables.ChainHookInput, 0, nftables.ChainPolicyAccept, "")
	dropping := r.Ports(table, PortElement(1001, &expr.Verdict{Kind: expr.VerdictDrop}), PortElement(1002, &expr.Verdict{Kind: expr.VerdictJump, Chain: "empty"}))
	r.Rule(input, "port", append(ToPort(unix.IPPROTO_UDP, 1001), &expr.Counter{})...)
	r.Rule(input, "map", append(PortOf(unix.IPPROTO_UDP), dropping)...)
	r.Commit()
	before := DumpRuleset(t, n)
	u := UDP{From: netip.MustParseAddrPort("127.0.0.1:0"), To: netip.MustParseAddrPort("127.0.0.1:1001"), Size: 8}
	must(t, n.Do(func() error { return u.Send(3) }))
	rules := ListRules(t, n)
	if len(rules) != 2 || rules[0].Comment != "port" || rules[0].Packets != 3 || rules[1].Comment != "map" || rules[1].Chain != "input" || rules[1].Handle <= rules[0].Handle {
		t.Errorf("%+v", rules)
	}
	if DumpRuleset(t, n) != before {
		t.Error("the dump has the values of counters")
	}
	r.Rule(input, "late", &expr.Counter{})
	r.Commit()
	if DumpRuleset(t, n) == before {
		t.Error("the dump lacks a rule")
	}
}
