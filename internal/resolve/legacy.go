// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tracer/internal/printable"
)

// LegacyKey names a rule of iptables-legacy, ip6tables-legacy, arptables-legacy or ebtables as a drop does.
type LegacyKey struct {
	// Family is that of the hook (NFPROTO_).
	Family uint8
	Table  string
	// Hook is the word for the hook, as in forward.
	Hook string
	// Offset is the position of the rule in the table; [NoLegacyRule] for ebtables if no rule that can drop packets
	// matched. Size, Rules and Hash are the size of the table, the number of
	// its rules, and [hashOf] the conditions of the rule: they were these at the drop.
	Offset, Size, Rules, Hash uint64
	// At is when the drop happened, by the clock of this process.
	At time.Time
}

// NoLegacyRule is no position in a table.
const NoLegacyRule = math.MaxUint64

// LegacyRule describes a rule.
type LegacyRule struct {
	Chain string
	// Number is that of the rule in its chain, from 1; 0 for the policy of the chain.
	Number int
	// Text is the rule as iptables-save prints it, or the policy.
	Text string
	// Partial is set if parts of Text are in brackets, since this package does not know them.
	Partial bool
	// Path leads from the chain of the hook to the rule's, if there is only one way: FORWARD -> rule 4 jump deny.
	Path   string
	Author string
	// Certain is set if the table had the same rules before the drop and after it. Otherwise it may have been
	// replaced since by one with a similar rule at the same place.
	Certain bool
	// Gone is set if the table was replaced since the drop: nothing is known about the rule.
	Gone bool
}

// Name is short: FORWARD rule 3, or policy of FORWARD.
func (r LegacyRule) Name() string {
	if r.Number == 0 {
		return "policy of " + r.Chain
	}
	return fmt.Sprintf("%s rule %d", r.Chain, r.Number)
}

// String is all of it in one line, for texts of causes.
func (r LegacyRule) String() string {
	if r.Gone {
		return "the table was replaced since"
	}
	parts := []string{fmt.Sprintf("rule %d of %s: %s", r.Number, r.Chain, cut(r.Text, textMost))}
	if r.Number == 0 {
		parts[0] = fmt.Sprintf("policy %s of %s", r.Text, r.Chain)
	}
	if r.Path != "" {
		parts = append(parts, "reached by "+r.Path)
	}
	if r.Author != "" {
		parts = append(parts, "set by "+r.Author)
	}
	if !r.Certain {
		parts = append(parts, "if the table was not replaced since")
	}
	return strings.Join(parts, "; ")
}

// LegacyRule describes the rule that dropped a packet. ok is false if that could not be found out.
func (h *Host) LegacyRule(netns uint32, key LegacyKey) (LegacyRule, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rule, err := h.legacyRule(netns, key)
	return rule, err == nil
}

func (h *Host) legacyRule(netns uint32, key LegacyKey) (LegacyRule, error) {
	format := legacyFormats[key.Family]
	if format == nil {
		return LegacyRule{}, fmt.Errorf("family %d: no tables of iptables-legacy", key.Family)
	}
	n, err := h.enter(netns)
	if err != nil {
		return LegacyRule{}, err
	}
	t, err := n.legacyTable(format, key)
	if err != nil {
		return LegacyRule{}, err
	}
	r := t.dropping(key)
	switch {
	case r == nil && t.read.Before(key.At):
		return LegacyRule{}, errors.New("read too recently")
	case r == nil && (key.Offset == NoLegacyRule || t.base(key.Hook) == nil):
		return LegacyRule{}, errors.New("not certain which chain it is")
	case r == nil:
		return LegacyRule{Gone: true}, nil
	}
	place := legacyPlace{key.Offset, key.Hook}
	rule, ok := t.described[place]
	if !ok {
		rule = t.describe(r, key)
		if t.described == nil {
			t.described = map[legacyPlace]LegacyRule{}
		}
		t.described[place] = rule
	}
	rule.Certain = t.isCertain(key.At)
	return rule, nil
}

// legacyPause is the shortest time between two readings of a table.
const legacyPause = 100 * time.Millisecond

// legacyTableKey names a table.
type legacyTableKey struct {
	family uint8
	name   string
}

// legacyTable is the content of a table.
type legacyTable struct {
	format *legacyFormat
	raw    []byte              // without counters
	rules  map[int]*legacyRule // by position
	chains []*legacyChain
	starts map[int]*legacyChain
	// led and described are answers: the chains that a hook leads to, and rules by position and hook.
	led       map[string]map[*legacyChain]bool
	described map[legacyPlace]LegacyRule
	// count is the number of rules, with those at the ends of chains.
	count int
	// since is when the table had this content for sure, read when it was looked at last.
	since, read time.Time
	pace        pace
}

// legacyPlace is a position in a table, for packets of a hook.
type legacyPlace struct {
	offset uint64
	hook   string
}

// legacyChain is a chain.
type legacyChain struct {
	name string
	// start is where a jump to the chain leads.
	start int
	// base chains are called by the kernel.
	base  bool
	rules []*legacyRule
	// drops means that the chain, one of ebtables, drops what comes to its end.
	drops bool
}

// legacyRule is a rule.
type legacyRule struct {
	chain *legacyChain
	// number is 0 for what ends the chain: the policy, or a return.
	number int
	entry  []byte
	// drops means that the rule drops each packet that it matches, returns that the packet leaves the chain.
	drops, returns bool
	// to is where the rule jumps to, or -1.
	to     int
	isGoto bool
}

// legacyTable returns a table, which is read again if that was not done since the drop.
func (n *namespace) legacyTable(format *legacyFormat, key LegacyKey) (*legacyTable, error) {
	name := legacyTableKey{key.Family, key.Table}
	t := n.legacy[name]
	start := time.Now()
	if t != nil && (!key.At.IsZero() && key.At.Add(clockSlack).Before(t.read) || !t.pace.due(start)) {
		return t, nil
	}
	var read *legacyTable
	err := n.inside(func() (err error) {
		read, err = format.read(format, key.Table)
		return err
	})
	if err != nil {
		if t != nil {
			t.pace.took(start, legacyPause)
		}
		return nil, fmt.Errorf("table %s in network namespace %d: %w", printable.Quote(key.Table), n.inode, err)
	}
	read.since, read.read = time.Now(), start
	if t != nil && bytes.Equal(t.raw, read.raw) {
		read.since = t.since
	}
	read.pace.took(start, legacyPause)
	if n.legacy == nil {
		n.legacy = map[legacyTableKey]*legacyTable{}
	}
	n.legacy[name] = read
	return read, nil
}

// isCertain reports whether the table was the same before the drop and after it.
func (t *legacyTable) isCertain(at time.Time) bool {
	return !at.IsZero() && at.Add(-clockSlack).After(t.since) && at.Add(clockSlack).Before(t.read)
}

// dropping returns the rule of a key, or nil if the table is not the one of the drop any more.
func (t *legacyTable) dropping(key LegacyKey) *legacyRule {
	switch {
	case uint64(len(t.raw)) != key.Size || uint64(t.count) != key.Rules:
		return nil
	case key.Offset == NoLegacyRule:
		return t.droppingEnd(key.Hook)
	case key.Offset >= key.Size:
		return nil
	}
	r := t.rules[int(key.Offset)]
	if r == nil || !r.drops || hashOf(r.entry[:t.format.conditions]) != key.Hash {
		return nil
	}
	if !t.reachable(key.Hook)[r.chain] {
		return nil
	}
	return r
}

// base returns the chain of a hook.
func (t *legacyTable) base(hook string) *legacyChain {
	name := strings.ToUpper(hook)
	i := slices.IndexFunc(t.chains, func(c *legacyChain) bool { return c.base && c.name == name })
	if i < 0 {
		return nil
	}
	return t.chains[i]
}

// reachable returns the chains to which the kernel comes from a hook.
func (t *legacyTable) reachable(hook string) map[*legacyChain]bool {
	if led := t.led[hook]; led != nil {
		return led
	}
	reachable := map[*legacyChain]bool{}
	if t.led == nil {
		t.led = map[string]map[*legacyChain]bool{}
	}
	t.led[hook] = reachable
	for next := []*legacyChain{t.base(hook)}; len(next) > 0; {
		c := next[len(next)-1]
		next = next[:len(next)-1]
		if c == nil || reachable[c] {
			continue
		}
		reachable[c] = true
		for _, r := range c.rules {
			if r.to >= 0 {
				next = append(next, t.starts[r.to])
			}
		}
	}
	return reachable
}

// describe returns what the table tells about a rule.
func (t *legacyTable) describe(r *legacyRule, key LegacyKey) LegacyRule {
	rule := LegacyRule{Chain: r.chain.name, Number: r.number}
	if r.number == 0 {
		rule.Text = "DROP"
		return rule
	}
	text := t.format.print(t, r)
	rule.Text, rule.Partial = text.String(), text.partial
	facts := RuleFacts{Family: FamilyName(key.Family), Table: key.Table, Chain: r.chain.name, Comments: text.comments}
	steps := t.path(key.Hook, r.chain)
	for _, step := range steps {
		facts.Chains = append(facts.Chains, step.chain.name)
		facts.Comments = append(facts.Comments, t.format.print(t, step).comments...)
	}
	rule.Path = t.route(steps)
	rule.Author = Author(facts)
	return rule
}

// path returns the rules that lead from the chain of a hook to a chain; none if there are several ways.
func (t *legacyTable) path(hook string, to *legacyChain) (steps []*legacyRule) {
	for base := t.base(hook); to != base; to = steps[len(steps)-1].chain {
		callers := t.callers(t.reachable(hook), to)
		if len(callers) != 1 || len(steps) == stepsMost {
			return nil
		}
		steps = append(steps, callers[0])
	}
	slices.Reverse(steps)
	return steps
}

// route is a path in one line.
func (t *legacyTable) route(steps []*legacyRule) string {
	text := ""
	for i, step := range steps {
		verdict := "jump"
		if step.isGoto {
			verdict = "goto"
		}
		if i == 0 {
			text = step.chain.name
		}
		text += fmt.Sprintf(" -> rule %d %s %s", step.number, verdict, t.chainName(step.to))
	}
	return text
}

// chainName returns the name of the chain to which a jump leads.
func (t *legacyTable) chainName(start int) string {
	if c := t.starts[start]; c != nil {
		return c.name
	}
	return "[a chain]"
}

// callers returns the rules that jump to a chain, of these chains.
func (t *legacyTable) callers(of map[*legacyChain]bool, to *legacyChain) (callers []*legacyRule) {
	for c := range of {
		for _, r := range c.rules {
			if r.to >= 0 && r.to == to.start {
				callers = append(callers, r)
			}
		}
	}
	return callers
}
