// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
)

// Ruleset collects nftables rules for a namespace. Commit adds them.
type Ruleset struct {
	t     testing.TB
	netns *Netns
	conn  *nftables.Conn
}

// NewRuleset returns an empty Ruleset.
func NewRuleset(t testing.TB, n *Netns) *Ruleset {
	t.Helper()
	c, err := nftables.New(nftables.WithSockOptions(holdManyRules))
	must(t, err)
	return &Ruleset{t, n, c}
}

// holdManyRules makes the buffers of a socket large enough for hundreds of rules and their acknowledgements.
func holdManyRules(c *netlink.Conn) error {
	const size = 8 << 20
	return errors.Join(c.SetReadBuffer(size), c.SetWriteBuffer(size))
}

// Table adds a table.
func (r *Ruleset) Table(family nftables.TableFamily, name string) *nftables.Table {
	return r.conn.AddTable(&nftables.Table{Family: family, Name: name})
}

// Delete deletes a table, with everything in it.
func (r *Ruleset) Delete(table *nftables.Table) { r.conn.DelTable(table) }

// Flush deletes all rules of a table, with their anonymous sets.
func (r *Ruleset) Flush(table *nftables.Table) { r.conn.FlushTable(table) }

// Insert adds a rule at the beginning of a chain.
func (r *Ruleset) Insert(chain *nftables.Chain, exprs ...expr.Any) {
	r.conn.InsertRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: exprs})
}

// Chain adds a chain without a hook.
func (r *Ruleset) Chain(table *nftables.Table, name string) *nftables.Chain {
	return r.conn.AddChain(&nftables.Chain{Table: table, Name: name})
}

// Base adds a base chain of type filter. The device is for the family netdev only.
func (r *Ruleset) Base(table *nftables.Table, name string, hook *nftables.ChainHook, priority int, policy nftables.ChainPolicy, device string) *nftables.Chain {
	at := nftables.ChainPriority(priority)
	return r.conn.AddChain(&nftables.Chain{
		Table: table, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: &at, Policy: &policy, Device: device,
	})
}

// Rule adds a rule with a comment.
func (r *Ruleset) Rule(chain *nftables.Chain, comment string, exprs ...expr.Any) {
	r.conn.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: exprs, UserData: userdata.AppendString(nil, userdata.TypeComment, comment)})
}

// Ports adds an anonymous set of ports, or a verdict map if the elements have verdicts, and returns the expression that
// looks up register 1.
func (r *Ruleset) Ports(table *nftables.Table, elements ...nftables.SetElement) expr.Any {
	return r.add(&nftables.Set{Table: table, Anonymous: true, Constant: true}, elements)
}

// NamedPorts is Ports for a set with a name. If it exists already, it gets the elements, too.
func (r *Ruleset) NamedPorts(table *nftables.Table, name string, elements ...nftables.SetElement) expr.Any {
	return r.add(&nftables.Set{Table: table, Name: name}, elements)
}

func (r *Ruleset) add(set *nftables.Set, elements []nftables.SetElement) expr.Any {
	set.KeyType = nftables.TypeInetService
	if elements[0].VerdictData != nil {
		set.IsMap, set.DataType = true, nftables.TypeVerdict
	}
	must(r.t, r.conn.AddSet(set, elements))
	return &expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID, IsDestRegSet: set.IsMap}
}

// Commit carries out everything that was collected, at once.
func (r *Ruleset) Commit() {
	r.t.Helper()
	needsModule(r.t, r.netns.Do(r.conn.Flush))
}

// PortElement is an element of a set of ports; verdict is nil in a set that is no map.
func PortElement(port uint16, verdict *expr.Verdict) nftables.SetElement {
	return nftables.SetElement{Key: big16(port), VerdictData: verdict}
}

// ToPort matches packets of a protocol to a port.
func ToPort(protocol byte, port uint16) []expr.Any { return toPort(protocol, port) }

// PortOf loads the destination port of packets of a protocol into register 1.
func PortOf(protocol byte) []expr.Any { return toPort(protocol, 0)[:3] }

// ListedRule is a rule as netlink lists it.
type ListedRule struct {
	Family                nftables.TableFamily
	Table, Chain, Comment string
	Handle                uint64
	// Packets is the value of its first counter.
	Packets uint64
}

// ListRules returns all rules of a namespace.
func ListRules(t testing.TB, n *Netns) (list []ListedRule) {
	t.Helper()
	must(t, n.Do(func() error {
		return eachRule(func(r *nftables.Rule) error {
			comment, _ := userdata.GetString(r.UserData, userdata.TypeComment)
			listed := ListedRule{Family: r.Table.Family, Table: r.Table.Name, Chain: r.Chain.Name, Comment: comment, Handle: r.Handle}
			for _, e := range slices.Backward(r.Exprs) {
				if counter, is := e.(*expr.Counter); is {
					listed.Packets = counter.Packets
				}
			}
			list = append(list, listed)
			return nil
		})
	}))
	return list
}

func eachRule(use func(*nftables.Rule) error) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	chains, err := c.ListChains()
	if err != nil {
		return err
	}
	for _, chain := range chains {
		rules, err := c.GetRules(chain.Table, chain)
		if err != nil {
			return err
		}
		for _, r := range rules {
			r.Table, r.Chain = chain.Table, chain
			if err := use(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// DumpRuleset returns everything in the ruleset of a namespace as text, without the values of counters.
func DumpRuleset(t testing.TB, n *Netns) string {
	t.Helper()
	var dump []any
	must(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := c.ListTables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			sets, err := c.GetSets(table)
			if err != nil {
				return err
			}
			for _, set := range sets {
				elements, err := c.GetSetElements(set)
				if err != nil {
					return err
				}
				dump = append(dump, set, elements)
			}
			dump = append(dump, table)
		}
		chains, err := c.ListChains()
		if err != nil {
			return err
		}
		dump = append(dump, chains)
		return eachRule(func(r *nftables.Rule) error {
			for _, e := range r.Exprs {
				if counter, is := e.(*expr.Counter); is {
					*counter = expr.Counter{}
				}
			}
			dump = append(dump, r)
			return nil
		})
	}))
	text, err := json.MarshalIndent(dump, "", " ")
	must(t, err)
	return string(text)
}
