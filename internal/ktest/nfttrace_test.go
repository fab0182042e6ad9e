// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// TestNftTrace checks that the trace has the rules and the policy that decide about two datagrams, and the address of
// each datagram once per base chain.
func TestNftTrace(t *testing.T) {
	n := NewNetns(t, "ktest")
	r := NewRuleset(t, n)
	early := r.Base(r.Table(nftables.TableFamilyINet, "early"), "trace", nftables.ChainHookInput, -300, nftables.ChainPolicyAccept, "")
	r.Rule(early, "trace", SetNftrace()...)
	table := r.Table(nftables.TableFamilyINet, "t")
	deep := r.Chain(table, "deep")
	input := r.Base(table, "input", nftables.ChainHookInput, 0, nftables.ChainPolicyDrop, "")
	r.Rule(deep, "drop", append(ToPort(unix.IPPROTO_UDP, 1001), &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})...)
	r.Rule(input, "jump", &expr.Verdict{Kind: expr.VerdictJump, Chain: "deep"})
	r.Commit()
	trace := NewNftTrace(t, n)
	for _, port := range []uint16{1001, 1002} {
		u := UDP{From: at("127.0.0.1", 0), To: at("127.0.0.1", port), Size: 8}
		must(t, n.Do(func() error { return u.Send(1) }))
	}
	var drops []NftDecision
	first := map[string]int{}
	for {
		d, err := trace.Next()
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		must(t, err)
		if d.Header != nil {
			first[d.Table]++
			if d.Header[12] != 127 {
				t.Errorf("the header %x is not that of the datagram", d.Header)
			}
		}
		if d.Drops {
			drops = append(drops, d)
		}
	}
	if first["early"] != 2 || first["t"] != 2 {
		t.Errorf("headers by table: %v, want two each", first)
	}
	checkTraced(t, drops, ListRules(t, n))
}

func checkTraced(t *testing.T, drops []NftDecision, rules []ListedRule) {
	t.Helper()
	var handle uint64
	for _, r := range rules {
		if r.Comment == "drop" {
			handle = r.Handle
		}
	}
	if len(drops) != 2 || handle == 0 {
		t.Fatalf("drops %+v, rule %d, want two drops", drops, handle)
	}
	byRule, byPolicy := drops[0], drops[1]
	if byRule.Family != nftables.TableFamilyINet || byRule.Table != "t" || byRule.Chain != "deep" || byRule.Handle != handle {
		t.Errorf("dropped by %+v, want the rule %d", byRule, handle)
	}
	if byPolicy.Chain != "input" || byPolicy.Handle != 0 {
		t.Errorf("dropped by %+v, want the policy of the chain input", byPolicy)
	}
}
