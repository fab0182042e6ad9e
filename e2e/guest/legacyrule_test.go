// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"tracer/internal/ktest"
)

// legacyChains are rules of iptables-legacy in the table filter of namespace b. Their order and their chains are those
// of legacyDrops.
var legacyChains = []ktest.LegacyChain{
	{Name: "INPUT", Policy: "DROP", Rules: []ktest.LegacyRule{
		{Other: true, Target: "ACCEPT"}, {Port: 1001, Target: "DROP", Comment: "first"}, {Port: 1002, Target: "deep"}, {Port: 1003, Target: "REJECT"},
		{Port: 1004, Target: "gone", Goto: true}, {Port: 1005, Target: "returns"}, {Port: 1006, Target: "DROP"}, {Port: 1012, Target: "deep"},
	}},
	{Name: "OUTPUT", Rules: []ktest.LegacyRule{{Port: 9, Target: "DROP"}, {Port: 4001, Target: "DROP"}}},
	{Name: "deep", Rules: []ktest.LegacyRule{{Port: 9, Target: "DROP"}, {Target: "deeper"}, {Target: "DROP"}}},
	{Name: "deeper", Rules: []ktest.LegacyRule{{Port: 1012, Target: "DROP"}}},
	{Name: "gone", Rules: []ktest.LegacyRule{{Target: "DROP"}}},
	{Name: "returns", Rules: []ktest.LegacyRule{{Port: 9, Target: "DROP"}, {Target: "RETURN"}}},
}

// legacyDrop is a datagram that a rule drops, or the policy.
type legacyDrop struct {
	port uint16
	rule string
	sent bool // by namespace b itself
}

var legacyDrops = []legacyDrop{
	{port: 1001, rule: "rule 2 of INPUT: -p udp -m udp --dport 1001 -m comment --comment first -j DROP"},
	{port: 1002, rule: "rule 3 of deep: -j DROP"},
	{port: 1003, rule: "rule 4 of INPUT: -p udp -m udp --dport 1003 -j REJECT --reject-with "},
	{port: 1004, rule: "rule 1 of gone: -j DROP; reached by INPUT -> rule 5 goto gone"},
	{port: 1005, rule: "policy DROP of INPUT"},
	{port: 1006, rule: "rule 7 of INPUT: -p udp -m udp --dport 1006 -j DROP"},
	{port: 1012, rule: "rule 1 of deeper: -p udp -m udp --dport 1012 -j DROP"},
	{port: 1010, rule: "policy DROP of INPUT"},
	{port: 4001, rule: "rule 2 of OUTPUT: -p udp -m udp --dport 4001 -j DROP", sent: true},
}

// text returns the beginning of the text of the cause.
func (d legacyDrop) text(version int) string {
	tool, hook := "iptables-legacy", "input"
	if version == 6 {
		tool = "ip6tables-legacy"
	}
	if d.sent {
		hook = "output"
	}
	return fmt.Sprintf("%s, table filter, hook %s: %s", tool, hook, d.rule)
}

// send sends datagrams from a port.
func (d legacyDrop) send(w *world, version int, from uint16, count int) error {
	source, target, at := netip.MustParseAddr(a4), netip.MustParseAddr(b4), w.a
	if version == 6 {
		source, target = netip.MustParseAddr(a6), netip.MustParseAddr(b6)
	}
	if d.sent {
		source, target, at = target, source, w.b
	}
	u := ktest.UDP{From: netip.AddrPortFrom(source, from), To: netip.AddrPortFrom(target, d.port), Size: 20, Shared: true}
	return at.Do(func() error {
		for range count {
			if err := u.Send(1); err != nil && !d.sent && d.port != 1003 { // a sender learns of its own drop, and of a refusal
				return err
			}
		}
		return nil
	})
}

func (d legacyDrop) rows(list records, version int) records {
	return list.that(func(r *record) bool {
		return r.Tuple.Dport != nil && *r.Tuple.Dport == int(d.port) && strings.Contains(r.Tuple.Source, ":") == (version == 6)
	})
}

// TestLegacyRule checks that the cause of a drop by iptables-legacy names the rule, with packets one after the other.
// Kernels without types of modules (5.10) can't tell it.
func TestLegacyRule(t *testing.T) {
	backends := functionBackends(t)
	w := newWorld(t)
	for _, version := range []int{4, 6} {
		ktest.SetLegacyRules(t, w.b, version, legacyChains...)
	}
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			p := start(t, "--backend", backend, "--drop", "--why", "netfilter", "udp src port 5000")
			for _, version := range []int{4, 6} {
				for _, d := range legacyDrops {
					if err := d.send(w, version, 5000, 2); err != nil {
						t.Errorf("version %d, port %d: %v", version, d.port, err)
					}
				}
			}
			events := p.stop().events.that(dropped)
			for _, version := range []int{4, 6} {
				for _, d := range legacyDrops {
					checkLegacyDrop(t, d, version, d.rows(events, version))
				}
			}
		})
	}
}

func checkLegacyDrop(t *testing.T, d legacyDrop, version int, rows records) {
	t.Helper()
	if len(rows) != 2 {
		t.Errorf("version %d, port %d: %d drops, want 2", version, d.port, len(rows))
	}
	for _, r := range rows {
		switch {
		case r.Why == nil:
			t.Errorf("version %d, port %d: no cause: %v", version, d.port, r)
		case !hasModuleTypes():
			if r.Why.Cause != unknown {
				t.Errorf("version %d, port %d: cause %s: %s", version, d.port, r.Why.Cause, r.Why.Text)
			}
		case r.Why.Cause != "iptables-rule" || !strings.HasPrefix(r.Why.Text, d.text(version)):
			t.Errorf("version %d, port %d: cause %s: %q, want %q", version, d.port, r.Why.Cause, r.Why.Text, d.text(version))
		}
	}
}

// TestLegacyRulesAtOnce drops datagrams by several rules at once, on all CPUs, together with others that do not match the
// filter, while the table is replaced now and then by the same one. No rule may be a wrong one, and most must be
// known.
func TestLegacyRulesAtOnce(t *testing.T) {
	backend := functionBackends(t)[0]
	w := newWorld(t)
	ktest.SetLegacyRules(t, w.b, 4, legacyChains...)
	p := start(t, "--backend", backend, "--drop", "--why", "netfilter", "udp src port 5000")
	const count = 100
	var wait sync.WaitGroup
	for _, d := range legacyDrops {
		for _, from := range []uint16{5000, 5001} {
			wait.Go(func() {
				if err := d.send(w, 4, from, count); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for range 3 {
		ktest.SetLegacyRules(t, w.b, 4, legacyChains...)
	}
	wait.Wait()
	events := p.stop().events.that(dropped)
	for _, d := range legacyDrops {
		known, rows := 0, d.rows(events, 4)
		for _, r := range rows {
			if r.Why == nil || r.Why.Cause != "iptables-rule" {
				continue
			}
			known++
			if rule, ok := strings.CutPrefix(r.Why.Text, strings.TrimSuffix(d.text(4), d.rule)); ok && !strings.HasPrefix(rule, d.rule) {
				t.Errorf("port %d: %q, want %q", d.port, r.Why.Text, d.rule)
			}
		}
		t.Logf("port %d: %d of %d rules known", d.port, known, len(rows))
		if known < len(rows)/2 || len(rows) < count/2 {
			t.Errorf("port %d: %d drops, %d known", d.port, len(rows), known)
		}
	}
}

// ebtFilter and ebtNAT are rules of ebtables for the bridge of the router.
var (
	ebtFilter = []ktest.EbtChain{
		{Name: "INPUT", Policy: "ACCEPT"},
		{Name: "FORWARD", Policy: "DROP", Rules: []ktest.EbtRule{{EtherType: 0x9999, Target: "DROP"}, {EtherType: localExperiment, Target: "deep"}, {EtherType: 0x9998, Target: "DROP"}}},
		{Name: "OUTPUT", Policy: "ACCEPT"},
		{Name: "deep", Policy: "RETURN", Rules: []ktest.EbtRule{{EtherType: 0x9998, Target: "DROP"}, {Target: "DROP"}}},
	}
	ebtNAT = []ktest.EbtChain{
		{Name: "PREROUTING", Policy: "ACCEPT", Rules: []ktest.EbtRule{{EtherType: 0x9996, Target: "CONTINUE"}, {EtherType: 0x9996, Target: "DROP"}}},
		{Name: "OUTPUT", Policy: "ACCEPT"}, {Name: "POSTROUTING", Policy: "ACCEPT"},
	}
)

// ebtDrops are the beginnings of the texts of causes, by EtherType.
var ebtDrops = map[int]string{
	0x9999:          "ebtables, table filter, hook forward: rule 1 of FORWARD: -p 0x9999 -j DROP",
	0x9998:          "ebtables, table filter, hook forward: rule 3 of FORWARD: -p 0x9998 -j DROP",
	0x9997:          "ebtables, table filter, hook forward: policy DROP of FORWARD",
	0x9996:          "ebtables, table nat, hook prerouting: rule 2 of PREROUTING: -p 0x9996 -j DROP",
	localExperiment: "ebtables, table filter, hook forward: rule 2 of deep: -j DROP; reached by FORWARD -> rule 2 jump deep",
}

// TestEbtablesRule checks that the cause of a drop by ebtables names the rule. Only some kernels have it.
func TestEbtablesRule(t *testing.T) {
	backends := functionBackends(t)
	l := newLab(t, inOrder)
	br := l.bridge()
	ktest.SetEbtRules(t, l.r, "filter", ebtFilter...)
	ktest.SetEbtRules(t, l.r, "nat", ebtNAT...)
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			p := start(t, "--backend", backend, "--drop", "--why", "netfilter")
			for number := range ebtDrops {
				for range 2 {
					l.do(l.a, func() error { return br.to(br.outMAC).Send(uint16(number), make([]byte, 50)) })
				}
			}
			events := p.stop().events.that(dropped, within(l.r))
			for number, want := range ebtDrops {
				rows := events.that(etherType(number))
				rows.present(t, want)
				for _, r := range rows {
					if r.Why == nil || !strings.HasPrefix(r.Why.Text, want) {
						t.Errorf("EtherType %#x: %+v, want %q", number, r.Why, want)
					}
				}
			}
		})
	}
}
