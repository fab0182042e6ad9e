// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"

	"tracer/internal/ktest"
)

const (
	// rulesPerChain makes more than 500 rules of the tables' chains.
	rulesPerChain = 15
	// jumpsPerChain is small, since the kernel follows every path of jumps when it checks a change.
	jumpsPerChain = 3
)

// randomTable is a table with random rules: base chains, and others, to which they jump.
type randomTable struct {
	family  nftables.TableFamily
	name    string
	bases   []randomBase
	others  int
	rejects bool
}

// randomBase is a base chain.
type randomBase struct {
	name     string
	hook     *nftables.ChainHook
	priority int
	policy   nftables.ChainPolicy
	device   string
}

const (
	acceptPolicy = nftables.ChainPolicyAccept
	dropPolicy   = nftables.ChainPolicyDrop
)

// randomTables are the tables of a namespace: packets arrive at the port vb of the bridge br0. They are for the
// namespace, for the address behind the other port, or are forwarded to the device vc. A packet that no rule drops
// meets a policy that does.
var randomTables = []randomTable{
	{family: nftables.TableFamilyNetdev, name: "card", others: 3, bases: []randomBase{
		{"arriving", nftables.ChainHookIngress, 0, acceptPolicy, "vb"}, {"leaving", nftables.ChainHookEgress, 0, dropPolicy, "vc"},
	}},
	{family: nftables.TableFamilyBridge, name: "switch", others: 4, bases: []randomBase{
		{"early", nftables.ChainHookPrerouting, 0, acceptPolicy, ""}, {"across", nftables.ChainHookForward, 0, dropPolicy, ""},
	}},
	{family: nftables.TableFamilyINet, name: "inlet", others: 2, bases: []randomBase{{"first", hookOfInetIngress, 0, acceptPolicy, "br0"}}},
	{family: nftables.TableFamilyIPv4, name: "four", others: 4, bases: []randomBase{{"early", nftables.ChainHookPrerouting, -150, acceptPolicy, ""}}},
	{family: nftables.TableFamilyIPv6, name: "six", others: 4, bases: []randomBase{{"early", nftables.ChainHookPrerouting, -150, acceptPolicy, ""}}},
	{family: nftables.TableFamilyINet, name: "both", others: 8, rejects: true, bases: []randomBase{
		{"input", nftables.ChainHookInput, 0, acceptPolicy, ""}, {"forward", nftables.ChainHookForward, 0, acceptPolicy, ""},
		{"output", nftables.ChainHookOutput, 0, acceptPolicy, ""}, // for what rejecting rules send
	}},
	{family: nftables.TableFamilyINet, name: "last", others: 2, rejects: true, bases: []randomBase{
		{"input", nftables.ChainHookInput, 100, dropPolicy, ""}, {"forward", nftables.ChainHookForward, 100, acceptPolicy, ""},
	}},
}

// tableWriter adds the tables, and replaces them.
type tableWriter struct {
	*rand.Rand
	t     *testing.T
	netns *ktest.Netns
	// added are the tables as they are now, in the order of randomTables.
	added   []*randomRuleset
	changes int
}

// writeTables adds the tables.
func writeTables(t *testing.T, n *ktest.Netns, random *rand.Rand) *tableWriter {
	t.Helper()
	w := &tableWriter{Rand: random, t: t, netns: n, added: make([]*randomRuleset, len(randomTables))}
	for i := range randomTables {
		w.write(i, func(*ktest.Ruleset, *nftables.Table) {})
	}
	rules, chains := ktest.ListRules(t, n), 0
	for _, table := range w.added {
		chains += len(table.chains)
	}
	if len(rules) < 500 || chains < 30 {
		t.Errorf("%d rules in %d chains, want at least 500 and 30", len(rules), chains)
	}
	return w
}

// write replaces a table by one with other rules, at once. prepare deletes what it has.
func (w *tableWriter) write(i int, prepare func(*ktest.Ruleset, *nftables.Table)) {
	w.t.Helper()
	of := &randomTables[i]
	r := &randomRuleset{Rand: w.Rand, rules: ktest.NewRuleset(w.t, w.netns)}
	if before := w.added[i]; before != nil {
		prepare(r.rules, before.table)
	}
	r.table = r.rules.Table(of.family, of.name)
	for _, b := range of.bases {
		r.chains = append(r.chains, r.rules.Base(r.table, b.name, b.hook, b.priority, b.policy, b.device))
	}
	for k := range of.others {
		r.chains = append(r.chains, r.rules.Chain(r.table, fmt.Sprint("chain-", k)))
	}
	of.addRules(r)
	r.rules.Commit()
	w.added[i] = r
}

// addRules adds rules in random order to each chain. Base chains jump to the first of the other chains.
func (of *randomTable) addRules(r *randomRuleset) {
	plain := slices.Concat(plainRules, []randomRule{dropSegment, dropEarly, dropMarked, dropNamed, dropNamedMap})
	if !of.isLast() {
		plain = append(plain, acceptPort)
	}
	if of.rejects {
		plain = append(plain, reject, rejectSegment)
	}
	for i := range r.chains {
		kinds := slices.Repeat([][]randomRule{plain}, rulesPerChain)
		if i < len(r.chains)-1 {
			for k := range jumpsPerChain {
				kinds[k] = jumpingRules
			}
		}
		r.Shuffle(len(kinds), func(a, b int) { kinds[a], kinds[b] = kinds[b], kinds[a] })
		for _, k := range kinds {
			r.addAny(k, i, max(i+1, len(of.bases)))
		}
	}
}

// isLast reports whether a chain is the last one for some packets.
func (of *randomTable) isLast() bool {
	return slices.ContainsFunc(of.bases, func(b randomBase) bool { return b.policy == dropPolicy })
}

// reload replaces a table, in one of the two ways in which programs do it: all of its rules, or the whole table, whose
// handles begin anew then.
func (w *tableWriter) reload() {
	w.t.Helper()
	prepare := (*ktest.Ruleset).Flush
	if w.IntN(2) == 0 {
		prepare = (*ktest.Ruleset).Delete
	}
	w.write(w.IntN(len(randomTables)), prepare)
}

// change changes the ruleset, and mostly a little.
func (w *tableWriter) change() {
	w.t.Helper()
	if w.changes++; w.changes%8 == 0 {
		w.reload()
	} else {
		w.insert()
	}
	time.Sleep(20 * time.Millisecond)
}

// insert adds a rule without effect to any chain, so that the kernel replaces the memory of its rules.
func (w *tableWriter) insert() {
	w.t.Helper()
	table := w.added[w.IntN(len(w.added))]
	r := ktest.NewRuleset(w.t, w.netns)
	r.Insert(table.chains[w.IntN(len(table.chains))], udpPort(9, counted()...)...)
	r.Commit()
}
