// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/printable"
)

// RuleKey names a rule as a drop does.
type RuleKey struct {
	Family, Table, Chain string
	// Handle is the rule's; 0 for the policy of a base chain.
	Handle uint64
	// At is when the drop happened, by the clock of this process.
	At time.Time
	// TableHandle is the table's handle at the drop (nft_table.handle), and Generation the ruleset's number
	// (nft.base_seq). Either makes the answer certain; both are 0 if they are not known.
	TableHandle uint64
	Generation  uint32
	// Hook is nft's word for the hook that the packet was in, or "". It narrows the paths.
	Hook string
}

// RuleText describes a rule.
type RuleText struct {
	// Text is the rule as nft prints it, with its comment; empty for a policy, and if Gone.
	Text string
	// Partial is set if parts of Text are in brackets, since nft is not installed and this package does not know them.
	Partial bool
	Comment string
	// Certain is set if the rule is the one that dropped the packet. Otherwise the table may have been replaced
	// between the drop and the answer by one whose rule has the same handle.
	Certain bool
	// Gone is set if the rule or its table was deleted or replaced since the drop: nothing is known about it.
	Gone bool
	// Paths are the ways to the rule's chain, at most a few; MorePaths is set if there are others. They are those of
	// a ruleset that had the rule, not necessarily of the one at the drop.
	Paths     []Path
	MorePaths bool
	// Author is the program that wrote the rule, or "" if that is not certain.
	Author string
}

// textMost is the length at which String cuts the text of a rule.
const textMost = 400

// String is all of it in one line, for texts of causes.
func (r RuleText) String() string {
	if r.Gone {
		return "the ruleset changed since"
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
	if !r.Certain {
		parts = append(parts, "if the table was not replaced since")
	}
	return strings.Join(parts, "; ")
}

// route is the path, or what all paths have in common.
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

// Rule describes the rule that dropped a packet. ok is false if that could not be found out.
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
	if known == nil || known.handle == 0 || key.TableHandle != 0 && key.TableHandle != known.handle {
		return RuleText{Gone: true}, nil
	}
	t, err := h.content(n, name, known, deadline, func(t *table) bool { return t.has(key) })
	if err != nil {
		return RuleText{}, err
	}
	if !t.has(key) || key.TableHandle != 0 && key.TableHandle != known.handle { // which may be another one by now
		return RuleText{Gone: true}, nil
	}
	text := h.describe(n, t, key, deadline)
	text.Certain = n.isCertain(known, key)
	return text, nil
}

// isCertain reports whether the table is the one that it was at the drop.
func (n *namespace) isCertain(known *knownTable, key RuleKey) bool {
	return key.TableHandle != 0 || key.Generation != 0 && key.Generation == n.rules.generation ||
		!key.At.IsZero() && key.At.Add(-clockSlack).After(known.since)
}

// has reports whether the table has the rule, or the base chain of a policy.
func (t *table) has(key RuleKey) bool {
	if key.Handle == 0 {
		return t.chains[key.Chain] != nil
	}
	r := t.rules[key.Handle]
	return r != nil && r.chain == key.Chain
}

// described are the answers for a table's content, by rule and hook.
type describedKey struct {
	handle      uint64
	chain, hook string
}

// describe returns what a table's content tells about a rule.
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

// text is the text of a rule: nft's, or else this package's.
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

// questions are what printing a rule may need.
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

// set returns a set, and its elements if it is anonymous. These never change, and the set has its name as long as the
// rule exists that uses it.
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
	if generation, err := c.generation(deadline); err != nil || generation != t.generation && !n.exists(t, r, deadline) {
		return nil, nil, errors.Join(err, errChanging)
	}
	return s, elements, nil
}

// exists reports whether a rule exists that was read earlier: its table is the same, and has a rule with its handle.
func (n *namespace) exists(t *table, r *rule, deadline time.Time) bool {
	if err := n.refresh(time.Time{}, deadline); err != nil || n.rules.known[t.tableKey].handle != t.handle {
		return false
	}
	found := false
	q := request{unix.NFNL_SUBSYS_NFTABLES, unix.NFT_MSG_GETRULE, t.family, false, []netlink.Attribute{
		stringAttribute(unix.NFTA_RULE_TABLE, t.name), stringAttribute(unix.NFTA_RULE_CHAIN, r.chain),
		{Type: unix.NFTA_RULE_HANDLE, Data: binary.BigEndian.AppendUint64(nil, r.handle)},
	}}
	err := n.filter.query(q, deadline, func(uint8, *netlink.AttributeDecoder) error {
		found = true
		return nil
	})
	if err != nil {
		n.closeFilter() // the answer may still arrive
		return false
	}
	generation := n.rules.generation
	return found && n.refresh(time.Time{}, deadline) == nil && n.rules.generation == generation
}

// author returns the author of a rule, or of the rules of a chain.
func (t *table) author(key RuleKey, text RuleText) string {
	f := RuleFacts{Family: key.Family, Table: key.Table, Chain: key.Chain}
	if r := t.rules[key.Handle]; r != nil {
		f.Comments, f.Sets = append(f.Comments, r.anyComment(t.family)), r.looksUp()
	} else {
		return "" // anyone may set a policy
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
