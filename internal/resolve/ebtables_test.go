// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// bridgeChains are a table of ebtables.
var bridgeChains = []ktest.EbtChain{
	{Name: "INPUT", Policy: "ACCEPT"},
	{Name: "FORWARD", Policy: "ACCEPT", Rules: []ktest.EbtRule{{EtherType: 0x88b5, Target: "deep"}, {EtherType: unix.ETH_P_ARP, Target: "DROP"}}},
	{Name: "OUTPUT", Policy: "DROP"},
	{Name: "deep", Policy: "RETURN", Rules: []ktest.EbtRule{{EtherType: 0x9999, Target: "CONTINUE"}, {Target: "DROP"}}},
}

// TestEbtables parses a table, and describes its rules.
func TestEbtables(t *testing.T) {
	table, err := parseEbtables(legacyFormats[unix.NFPROTO_BRIDGE], ktest.EbtTable(bridgeChains...))
	if err != nil {
		t.Fatal(err)
	}
	if table.count != 4 || len(table.chains) != 4 || !table.chains[1].base || table.chains[3].base {
		t.Fatalf("%d rules, %d chains", table.count, len(table.chains))
	}
	keys := keysOfDrops(table, unix.NFPROTO_BRIDGE, "forward")
	want := []string{"rule 2 of FORWARD: -p ARP -j DROP", "rule 2 of deep: -j DROP; reached by FORWARD -> rule 1 jump deep"}
	if len(keys) != len(want) {
		t.Fatalf("%d rules drop frames, want %d", len(keys), len(want))
	}
	for i, key := range keys {
		r := table.dropping(key)
		if r == nil {
			t.Errorf("rule at %d: not found", key.Offset)
			continue
		}
		rule := table.describe(r, key)
		if rule.Certain = true; rule.String() != want[i] {
			t.Errorf("%s, want %s", rule, want[i])
		}
	}
	if texts, partial := legacyTexts(table, "FORWARD"); partial > 0 || texts[0] != "-p 0x88b5 -j deep" {
		t.Errorf("%q", texts)
	}
}

// TestEbtablesPolicy checks that the policy of a chain is found if it is the only thing that can drop a packet, and
// nothing else counts.
func TestEbtablesPolicy(t *testing.T) {
	drops := func(name string, rules ...ktest.EbtRule) ktest.EbtChain {
		return ktest.EbtChain{Name: name, Policy: "DROP", Rules: rules}
	}
	accepts := func(name string, rules ...ktest.EbtRule) ktest.EbtChain {
		return ktest.EbtChain{Name: name, Policy: "ACCEPT", Rules: rules}
	}
	deep := ktest.EbtRule{Target: "deep"}
	for name, test := range map[string]struct {
		forward, deep ktest.EbtChain
		target, want  string
	}{
		"base chain":                {drops("FORWARD"), accepts("deep"), "", "policy DROP of FORWARD"},
		"with a rule":               {drops("FORWARD", ktest.EbtRule{EtherType: 7, Target: "DROP"}), accepts("deep"), "", "policy DROP of FORWARD"},
		"other chain":               {accepts("FORWARD", deep), drops("deep"), "", "policy DROP of deep"},
		"not reached":               {drops("FORWARD"), drops("deep"), "", "policy DROP of FORWARD"},
		"none":                      {accepts("FORWARD", deep), accepts("deep"), "", ""},
		"two":                       {drops("FORWARD", deep), drops("deep"), "", ""},
		"a target that may drop":    {drops("FORWARD", ktest.EbtRule{Target: "ACCEPT"}), accepts("deep"), "mark", ""},
		"a target of another chain": {drops("FORWARD"), accepts("deep", ktest.EbtRule{Target: "ACCEPT"}), "mark", "policy DROP of FORWARD"},
	} {
		raw := ktest.EbtTable(accepts("INPUT"), test.forward, accepts("OUTPUT"), test.deep)
		if test.target != "" {
			raw = bytes.Replace(raw, []byte("standard"), append([]byte(test.target), make([]byte, 8-len(test.target))...), 1)
		}
		table, err := parseEbtables(legacyFormats[unix.NFPROTO_BRIDGE], raw)
		if err != nil {
			t.Fatal(err)
		}
		key := LegacyKey{Family: unix.NFPROTO_BRIDGE, Hook: "forward", Offset: NoLegacyRule, Size: uint64(len(raw)), Rules: uint64(table.count)}
		got := ""
		if r := table.dropping(key); r != nil {
			rule := table.describe(r, key)
			rule.Certain = true
			got = rule.String()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestEbtablesText prints what the kernel may have in a rule.
func TestEbtablesText(t *testing.T) {
	table, err := parseEbtables(legacyFormats[unix.NFPROTO_BRIDGE], ktest.EbtTable(bridgeChains...))
	if err != nil {
		t.Fatal(err)
	}
	r := table.chains[1].rules[1]
	copy(r.entry[10:], "eth\x01")
	copy(r.entry[42:], "vb")
	r.entry[4] = 4 | 8 // not this device, not this source
	r.entry[0] |= 8 | 16
	copy(r.entry[74:], []byte{2, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0})
	want := "-p ARP -i eth+ ! -o vb ! -s 02:00:00:00:00:01 -d 01:00:00:00:00:00/01:00:00:00:00:00 -j DROP"
	if got := printEbtables(table, r).String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
