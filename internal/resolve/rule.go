// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/printable"
)

// RuleKey has the values of a drop that identify the rule.
type RuleKey struct {
	Family, Table, Chain string
	// Handle is the handle of the rule; 0 for the policy of a base chain.
	Handle uint64
	// At is the time of the drop, by the clock of time.Now.
	At time.Time
	// TableHandle is the table's handle at the drop (nft_table.handle), Generation the generation of the ruleset
	// (nft.base_seq). Each of them makes the answer certain; 0 if unknown.
	TableHandle uint64
	Generation  uint32
	// Hook is nft's name of the hook that the packet passed, or "". Only paths from this hook are returned.
	Hook string
}

// RuleText describes a rule.
type RuleText struct {
	// Text is the rule as nft prints it, with its comment; empty for a policy, and if Gone.
	Text string
	// Partial is set if parts of Text are in brackets: nft is not installed, and this package can't print them.
	Partial bool
	Comment string
	// Certain is set if the rule is the one that dropped the packet. Otherwise, another rule may have replaced it
	// between the drop and the answer, which gets the same handle, or with SameTable not set, another table.
	Certain, SameTable bool
	// Gone is set if the rule or its table was deleted or replaced since the drop, Replaced if there is another table of
	// the same name. Then all else is empty.
	Gone, Replaced bool
	// Paths are at most pathsMost paths to the rule's chain; MorePaths is set if there are others. They are from a ruleset
	// that had the rule, not necessarily from the one at the drop.
	Paths     []Path
	MorePaths bool
	// Author is the program that wrote the rule, or "" if that is not certain.
	Author string
}

// textMost is the length, in bytes, to which String cuts the text of a rule.
const textMost = 400

// String returns the description in one line, for the texts of causes.
func (r RuleText) String() string {
	switch {
	case r.Replaced:
		return "the table was replaced since"
	case r.Gone:
		return "the ruleset has changed since"
	}
	var parts []string
	if r.Text != "" {
		parts = append(parts, cut(r.Text, textMost))
	}
	if route := r.route(); route != "" {
		parts = append(parts, "reached by "+route)
	}
	if r.Author != "" {
		parts = append(parts, "set by "+r.Author)
	}
	switch {
	case r.Certain:
	case r.SameTable:
		parts = append(parts, "if the rule was not replaced since")
	default:
		parts = append(parts, "if the table was not replaced since")
	}
	return strings.Join(parts, "; ")
}

// route returns the path, or the number of paths and their base chain if they have only one.
func (r RuleText) route() string {
	if len(r.Paths) == 0 {
		return ""
	}
	if len(r.Paths) == 1 && !r.MorePaths {
		return r.Paths[0].String()
	}
	number := fmt.Sprint(len(r.Paths), " paths")
	if r.MorePaths {
		number = fmt.Sprint("more than ", number)
	}
	base := r.Paths[0].Base
	for _, p := range r.Paths {
		if p.Base != base || r.MorePaths {
			return number
		}
	}
	return number + " from " + Path{Base: base}.String()
}

// cut shortens a text to at most n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// Rule describes the rule that dropped a packet. ok is false if the ruleset could not be read.
func (h *Host) Rule(netns uint32, key RuleKey) (RuleText, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text, err := h.rule(netns, key)
	return text, err == nil
}

func (h *Host) rule(netns uint32, key RuleKey) (RuleText, error) {
	family, ok := families[key.Family]
	if !ok {
		return RuleText{}, fmt.Errorf("family %s: not a family of nftables", printable.Quote(key.Family))
	}
	n, err := h.enter(netns)
	if err != nil {
		return RuleText{}, err
	}
	deadline := h.deadline()
	if err := n.refresh(key.At, deadline); err != nil {
		return RuleText{}, err
	}
	name := tableKey{family, key.Table}
	known := n.rules.known[name]
	if known == nil || known.handle == 0 {
		return RuleText{Gone: true}, nil
	}
	if known.replaced(key) {
		return RuleText{Gone: true, Replaced: true}, nil
	}
	before := known.table
	t, err := h.content(n, name, known, deadline, func(t *table) bool { return t.has(key) && n.isUsable(t, key.Handle, deadline) })
	if errors.Is(err, errTooRecent) && known.table != nil && known.table.has(key) && known.table.found[key.Handle].state == isUnknown { // not certain
		t, err = known.table, nil
	}
	if err != nil {
		return RuleText{}, err
	}
	if replaced := known.replaced(key); replaced || !t.has(key) { // known may be another table by now
		return RuleText{Gone: true, Replaced: replaced}, nil
	}
	sameTable := key.TableHandle != 0 || key.isAfter(known.since)
	certain := n.isCertain(t, key, sameTable)
	if !certain && before != nil && before.handle == t.handle && before.differs(t, key) {
		return RuleText{Gone: true}, nil
	}
	text := h.describe(n, t, key, deadline)
	text.SameTable, text.Certain = sameTable, certain
	return text, nil
}

// isAfter reports whether the drop happened after a time of the clock of this process.
func (k *RuleKey) isAfter(at time.Time) bool {
	return !k.At.IsZero() && k.At.Add(-clockSlack).After(at)
}

// replaced reports whether the table is certainly another one than at the drop. The kernel never gives two tables the
// same handle.
func (k *knownTable) replaced(key RuleKey) bool {
	return key.TableHandle != 0 && key.TableHandle != k.handle
}

// isCertain reports whether a rule is certainly as it was at the drop. The kernel gives no handle of a table to another
// rule, except that of a rule which it replaces (nft replace rule).
func (n *namespace) isCertain(t *table, key RuleKey, sameTable bool) bool {
	switch {
	case key.Generation != 0 && key.Generation == t.generation, t.generation == n.rules.generation && key.isAfter(n.rules.since):
		return true
	case key.Handle == 0: // a policy
		return sameTable
	}
	return key.isAfter(t.read) && t.found[key.Handle] == found{n.rules.generation, isUnchanged}
}

// has reports whether the table has the rule, or the base chain of a policy.
func (t *table) has(key RuleKey) bool {
	if key.Handle == 0 {
		return t.chains[key.Chain] != nil
	}
	r := t.rules[key.Handle]
	return r != nil && r.chain == key.Chain
}

// differs reports whether the rule was another one in an earlier reading of the table.
func (t *table) differs(later *table, key RuleKey) bool {
	r, after := t.rules[key.Handle], later.rules[key.Handle]
	return r != nil && after != nil && !r.isLike(after)
}

// describedKey is the key of the cached answers about a table's content.
type describedKey struct {
	handle      uint64
	chain, hook string
}

// describe returns the description of a rule from a table's content, and caches it.
func (h *Host) describe(n *namespace, t *table, key RuleKey, deadline time.Time) RuleText {
	k := describedKey{key.Handle, key.Chain, key.Hook}
	text, ok := t.described[k]
	if !ok {
		text.Paths, text.MorePaths = t.paths(key.Chain, key.Hook)
		if r := t.rules[key.Handle]; r != nil {
			text.Comment = r.anyComment(t.family)
			text.Text, text.Partial = h.text(n, t, r, deadline)
		}
		text.Author = t.author(key, text)
		if t.described == nil {
			t.described = map[describedKey]RuleText{}
		}
		t.described[k] = text
	}
	return text
}

// text returns the text of a rule: that of nft, or else that of this package.
func (h *Host) text(n *namespace, t *table, r *rule, deadline time.Time) (text string, partial bool) {
	if text := t.texts[r.handle]; text != "" {
		return withComment(text, r.anyComment(t.family)), false // nft does not print the comments of iptables-nft
	}
	text, partial = t.render(r, n.questions(t, r, deadline))
	if better := t.anonymousText(r); partial && better != "" {
		return better, false
	}
	return text, partial
}

// render prints a rule with its comment.
func (t *table) render(r *rule, ask questions) (text string, partial bool) {
	expressions, err := r.expressions(t.family)
	if err != nil {
		return "", true
	}
	text, complete := printRule(t.family, expressions, ask)
	return withComment(text, r.anyComment(t.family)), !complete
}

// withComment adds a comment to a text that does not have it.
func withComment(text, comment string) string {
	quoted := `comment "` + comment + `"`
	if comment == "" || strings.HasSuffix(text, quoted) {
		return text
	}
	return text + " " + quoted
}

// elementsMost is how many elements of an anonymous set are printed.
const elementsMost = 32

// questions returns the functions that printing a rule may need.
func (n *namespace) questions(t *table, r *rule, deadline time.Time) questions {
	ask := questions{ifname: n.ifname, elements: elementsMost}
	ask.set = func(name string) (*set, []element, error) { return n.set(t, r, name, deadline) }
	ask.chain = func(name string) (texts []string) {
		c := t.chains[name]
		if c == nil {
			return []string{"[" + name + "]"}
		}
		for _, r := range c.rules {
			text, _ := t.render(r, ask)
			texts = append(texts, text)
		}
		return texts
	}
	return ask
}

// set returns a set, and its elements if it is anonymous. An anonymous set never changes, and keeps its name as long as
// the rule that uses it exists.
func (n *namespace) set(t *table, r *rule, name string, deadline time.Time) (*set, []element, error) {
	s := t.sets[name]
	if s == nil {
		return nil, nil, fmt.Errorf("no set %s", printable.Quote(name))
	}
	if !s.anonymous {
		return s, nil, nil
	}
	c, err := n.dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, nil, err
	}
	defer c.close()
	var elements []element
	err = c.readElements(t.tableKey, name, deadline, func(e element) error {
		elements = append(elements, e)
		if len(elements) > rulesMost {
			return fmt.Errorf("more than %d elements", rulesMost)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if generation, err := c.generation(deadline); err != nil || generation != t.generation && n.stateOf(t, r, deadline) != isUnchanged {
		return nil, nil, errors.Join(err, errChanging)
	}
	return s, elements, nil
}

// state is the state of a rule that was read earlier.
type state uint8

const (
	isUnknown state = iota
	isUnchanged
	isChanged
	isDeleted
)

// found is the state of a rule in a generation of the ruleset.
type found struct {
	generation uint32
	state      state
}

// isUsable reports whether the content of an earlier generation may be used for a rule: the rule is unchanged, or deleted.
// The state of a rule with an anonymous set is unknown, since another set may have got the name of its set.
func (n *namespace) isUsable(t *table, handle uint64, deadline time.Time) bool {
	r := t.rules[handle]
	if r == nil {
		return true // a policy
	}
	f := t.found[handle]
	if f.generation != n.rules.generation || f.state == isUnknown {
		f = found{n.rules.generation, isUnknown}
		if !slices.ContainsFunc(r.looksUp(), func(name string) bool { return t.sets[name] == nil || t.sets[name].anonymous }) {
			f.state = n.stateOf(t, r, deadline)
			f.generation = n.rules.generation // stateOf may have refreshed it
		}
		if t.found == nil {
			t.found = map[uint64]found{}
		}
		t.found[handle] = f
	}
	return f.state == isUnchanged || f.state == isDeleted
}

// stateOf compares a rule that was read earlier with the one that the same table has under its handle.
func (n *namespace) stateOf(t *table, r *rule, deadline time.Time) state {
	if err := n.refresh(time.Time{}, deadline); err != nil || n.rules.known[t.tableKey].handle != t.handle {
		return isUnknown
	}
	now := isDeleted
	q := request{unix.NFNL_SUBSYS_NFTABLES, unix.NFT_MSG_GETRULE, t.family, false, []netlink.Attribute{
		stringAttribute(unix.NFTA_RULE_TABLE, t.name), stringAttribute(unix.NFTA_RULE_CHAIN, r.chain),
		{Type: unix.NFTA_RULE_HANDLE, Data: binary.BigEndian.AppendUint64(nil, r.handle)},
	}}
	err := n.filter.query(q, deadline, func(_ uint8, ad *netlink.AttributeDecoder) error {
		read, _, err := ruleOf(ad)
		if now = isChanged; err == nil && r.isLike(read) {
			now = isUnchanged
		}
		return err
	})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		n.closeFilter() // the answer may still arrive
		return isUnknown
	}
	generation := n.rules.generation
	if n.refresh(time.Time{}, deadline) != nil || n.rules.generation != generation {
		return isUnknown
	}
	return now
}

// isLike reports whether two rules have the same comments and expressions, except for the values of counters.
func (r *rule) isLike(other *rule) bool {
	return bytes.Equal(r.userdata, other.userdata) && slices.EqualFunc(r.parts(), other.parts(), bytes.Equal)
}

// parts returns the attributes of the expressions of a rule; of counters, the kernel's name only.
func (r *rule) parts() (parts [][]byte) {
	_ = eachNested(r.raw, func(ad *netlink.AttributeDecoder) error { // the kernel's attributes can be decoded
		part := ad.Bytes()
		if e, err := decodeExpression(0, part); err == nil && e.name == "counter" {
			part = []byte(e.name)
		}
		parts = append(parts, part)
		return nil
	})
	return parts
}

// author returns the author of a rule, or of the rules of a chain.
func (t *table) author(key RuleKey, text RuleText) string {
	f := RuleFacts{Family: key.Family, Table: key.Table, Chain: key.Chain}
	if r := t.rules[key.Handle]; r != nil {
		f.Comments, f.Sets = append(f.Comments, r.anyComment(t.family)), r.looksUp()
	} else {
		return "" // a policy has no mark of its author
	}
	for _, p := range text.Paths {
		for _, s := range p.Steps {
			f.Chains = append(f.Chains, s.Chain)
			if len(text.Paths) == 1 && !text.MorePaths {
				f.Comments = append(f.Comments, t.rules[s.Handle].anyComment(t.family))
			}
		}
	}
	return Author(f)
}
