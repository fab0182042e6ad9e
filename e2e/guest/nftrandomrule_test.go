// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"math/rand/v2"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// The ports in random rules.
const (
	randomPorts = 200
	firstPort   = 1000
)

// randomRuleset adds random rules to the chains of a table. A chain jumps only to later ones.
type randomRuleset struct {
	*rand.Rand
	rules  *ktest.Ruleset
	table  *nftables.Table
	chains []*nftables.Chain
	drops  int
}

// randomRule adds a rule to a chain. next is the name of the chain to which it jumps if it is a jump.
type randomRule func(r *randomRuleset, chain *nftables.Chain, next string)

var (
	plainRules   = []randomRule{dropPort, dropPort, dropSet, dropMap, returnPort}
	jumpingRules = []randomRule{jumpBelowPort, gotoPort, jumpMap}
)

// addAny adds a rule of one of these kinds to a chain, by its index. If it jumps, then to one of three chains from next
// on, by its index.
func (r *randomRuleset) addAny(kinds []randomRule, chain, next int) {
	to := r.chains[min(next+r.IntN(3), len(r.chains)-1)]
	kinds[r.IntN(len(kinds))](r, r.chains[chain], to.Name)
}

// addDrop adds a rule with a comment, by which the tests find rules that drop.
func (r *randomRuleset) addDrop(chain *nftables.Chain, exprs []expr.Any) {
	r.drops++
	r.rules.Rule(chain, fmt.Sprint("drop ", r.drops), exprs...)
}

func (r *randomRuleset) port() uint16 { return uint16(firstPort + r.IntN(randomPorts)) }

func dropPort(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.addDrop(chain, udpPort(r.port(), counted(verdict(expr.VerdictDrop, ""))...))
}

func dropSet(r *randomRuleset, chain *nftables.Chain, _ string) {
	port := r.port()
	set := r.rules.Ports(r.table, ktest.PortElement(port, nil), ktest.PortElement(port+1, nil))
	r.addDrop(chain, portIn(set, counted(verdict(expr.VerdictDrop, ""))...))
}

// dropMap drops by a map. A set before the counter leaves out the packets for which the map has another verdict.
func dropMap(r *randomRuleset, chain *nftables.Chain, _ string) {
	port := r.port()
	set := r.rules.Ports(r.table, ktest.PortElement(port, nil))
	dropping := r.rules.Ports(r.table, ktest.PortElement(port, verdict(expr.VerdictDrop, "")), ktest.PortElement(port+1, verdict(expr.VerdictReturn, "")))
	r.addDrop(chain, append(portIn(set, &expr.Counter{}), dropping))
}

func returnPort(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.rules.Rule(chain, "", udpPort(r.port(), verdict(expr.VerdictReturn, ""))...)
}

func jumpBelowPort(r *randomRuleset, chain *nftables.Chain, next string) {
	port := r.port()
	below := &expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: []byte{byte(port >> 8), byte(port)}}
	r.rules.Rule(chain, "", portIn(below, verdict(expr.VerdictJump, next))...)
}

func gotoPort(r *randomRuleset, chain *nftables.Chain, next string) {
	r.rules.Rule(chain, "", udpPort(r.port(), verdict(expr.VerdictGoto, next))...)
}

func jumpMap(r *randomRuleset, chain *nftables.Chain, next string) {
	port := r.port()
	jumping := r.rules.Ports(r.table, ktest.PortElement(port, verdict(expr.VerdictJump, next)), ktest.PortElement(port+1, verdict(expr.VerdictGoto, next)))
	r.rules.Rule(chain, "", portIn(jumping)...)
}

// Rules that only some tests add: packets that they drop are not all counted.

// dropSegment drops TCP segments.
func dropSegment(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.addDrop(chain, append(ktest.ToPort(unix.IPPROTO_TCP, r.port()), verdict(expr.VerdictDrop, "")))
}

// dropEarly has expressions behind the verdict, which nft would not write.
func dropEarly(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.addDrop(chain, udpPort(r.port(), verdict(expr.VerdictDrop, ""), &expr.Counter{}))
}

// dropMarked loads a constant before its verdict.
func dropMarked(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.addDrop(chain, udpPort(r.port(), &expr.Immediate{Register: 1, Data: []byte{0, 0, 0, 0}},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1}, verdict(expr.VerdictDrop, "")))
}

// dropNamed and dropNamedMap use a set and a map that have names, and that other rules use, too.
func dropNamed(r *randomRuleset, chain *nftables.Chain, _ string) {
	set := r.rules.NamedPorts(r.table, "ports", ktest.PortElement(r.port(), nil))
	r.addDrop(chain, udpPort(r.port(), set, verdict(expr.VerdictDrop, "")))
}

func dropNamedMap(r *randomRuleset, chain *nftables.Chain, _ string) {
	dropping := r.rules.NamedPorts(r.table, "verdicts", ktest.PortElement(r.port(), verdict(expr.VerdictDrop, "")))
	r.addDrop(chain, portIn(dropping))
}

func acceptPort(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.rules.Rule(chain, "", udpPort(r.port(), verdict(expr.VerdictAccept, ""))...)
}

// reject and rejectSegment send a packet while the rule is evaluated.
func reject(r *randomRuleset, chain *nftables.Chain, _ string) {
	const admin = 3 // NFT_REJECT_ICMPX_ADMIN_PROHIBITED
	r.addDrop(chain, udpPort(r.port(), &expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: admin}))
}

func rejectSegment(r *randomRuleset, chain *nftables.Chain, _ string) {
	r.addDrop(chain, append(ktest.ToPort(unix.IPPROTO_TCP, r.port()), &expr.Reject{Type: unix.NFT_REJECT_TCP_RST}))
}
