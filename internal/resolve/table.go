// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"time"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// tableKey identifies a table in a namespace.
type tableKey struct {
	family uint8
	name   string
}

// table is the content of a table in one generation.
type table struct {
	tableKey
	handle     uint64    // of this table; a new table of the same name has another one
	generation uint32    // of the ruleset
	read       time.Time // when it had been read
	chains     map[string]*chain
	rules      map[uint64]*rule // by handle, which is unique in the table, and that of another rule only if it is replaced
	sets       map[string]*set
	texts      map[uint64]string // of rules, as printed by nft; nil if nft could not be run
	steps      map[string][]Step // that lead to each chain; nil until stepsTo is called
	described  map[describedKey]RuleText
	found      map[uint64]found // what became of rules in a later generation, by handle
}

// chain is a chain. A base chain has a hook.
type chain struct {
	name     string
	handle   uint64
	base     bool
	hook     string
	priority int32
	policy   string // "accept", "drop" or ""
	rules    []*rule
}

// rule is a rule whose expressions are not decoded yet.
type rule struct {
	handle   uint64
	chain    string
	comment  string
	raw      []byte // NFTA_RULE_EXPRESSIONS
	userdata []byte
}

// set is a set or a map.
type set struct {
	name      string
	anonymous bool
	interval  bool
	isMap     bool
	verdicts  bool // a map of verdicts
	keySize   int
	targets   []verdictOf
}

// verdictOf is an element of a verdict map that jumps or goes to a chain.
type verdictOf struct {
	key   []byte
	jump  bool // or goto
	chain string
}

// rulesMost is the largest number of rules of a table, and of elements of a set, that are read. Tests replace it.
var rulesMost = 200_000

// generation returns the number of the namespace's ruleset, which grows with every change.
func (c *channel) generation(deadline time.Time) (generation uint32, err error) {
	err = c.query(request{subsystem: unix.NFNL_SUBSYS_NFTABLES, kind: unix.NFT_MSG_GETGEN}, deadline, func(_ uint8, ad *netlink.AttributeDecoder) error {
		for ad.Next() {
			if ad.Type() == unix.NFTA_GEN_ID {
				generation = ad.Uint32()
			}
		}
		return ad.Err()
	})
	return generation, err
}

// tableHandles returns the handles of all tables.
func (c *channel) tableHandles(deadline time.Time) (map[tableKey]uint64, error) {
	handles := map[tableKey]uint64{}
	err := c.query(request{subsystem: unix.NFNL_SUBSYS_NFTABLES, kind: unix.NFT_MSG_GETTABLE, dump: true}, deadline, func(family uint8, ad *netlink.AttributeDecoder) error {
		key, handle := tableKey{family: family}, uint64(0)
		for ad.Next() {
			switch ad.Type() {
			case unix.NFTA_TABLE_NAME:
				key.name = ad.String()
			case nftaTableHandle:
				handle = ad.Uint64()
			}
		}
		handles[key] = handle
		return ad.Err()
	})
	return handles, err
}

// nftaTableHandle is NFTA_TABLE_HANDLE (4.16).
const nftaTableHandle = 4

// readTable reads a table. Of sets, it reads only the elements of verdict maps, which are needed to find paths.
func (c *channel) readTable(key tableKey, deadline time.Time) (*table, error) {
	t := &table{tableKey: key, chains: map[string]*chain{}, rules: map[uint64]*rule{}, sets: map[string]*set{}}
	for _, part := range []struct {
		kind int
		name uint16
		take func(*netlink.AttributeDecoder) error
	}{
		{unix.NFT_MSG_GETCHAIN, unix.NFTA_CHAIN_TABLE, t.addChain},
		{unix.NFT_MSG_GETRULE, unix.NFTA_RULE_TABLE, t.addRule},
		{unix.NFT_MSG_GETSET, unix.NFTA_SET_TABLE, t.addSet},
	} {
		r := request{unix.NFNL_SUBSYS_NFTABLES, part.kind, key.family, true, []netlink.Attribute{stringAttribute(part.name, key.name)}}
		err := c.query(r, deadline, func(family uint8, ad *netlink.AttributeDecoder) error {
			if family != key.family {
				return nil
			}
			return part.take(ad)
		})
		if err != nil {
			return nil, err
		}
	}
	for _, s := range t.sets {
		if s.verdicts {
			if err := c.readTargets(key, s, deadline); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// addChain adds a chain of the table. The kernel lists the chains of all tables of the family.
func (t *table) addChain(ad *netlink.AttributeDecoder) error {
	c, of := &chain{}, ""
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_CHAIN_TABLE:
			of = ad.String()
		case unix.NFTA_CHAIN_NAME:
			c.name = ad.String()
		case unix.NFTA_CHAIN_HANDLE:
			c.handle = ad.Uint64()
		case unix.NFTA_CHAIN_POLICY:
			c.policy = policyName(ad.Uint32())
		case unix.NFTA_CHAIN_HOOK:
			c.base = true
			ad.Do(func(b []byte) error { return c.setHook(t.family, b) })
		}
	}
	if of == t.name {
		if old := t.chains[c.name]; old != nil {
			c.rules = old.rules
		}
		t.chains[c.name] = c
	}
	return ad.Err()
}

func (c *chain) setHook(family uint8, b []byte) error {
	return eachNested(b, func(ad *netlink.AttributeDecoder) error {
		switch ad.Type() {
		case unix.NFTA_HOOK_HOOKNUM:
			c.hook = hookName(family, ad.Uint32())
		case unix.NFTA_HOOK_PRIORITY:
			c.priority = int32(ad.Uint32())
		}
		return nil
	})
}

// Verdicts of netfilter.
const (
	nfDrop   = 0
	nfAccept = 1
)

func policyName(policy uint32) string {
	switch policy {
	case nfDrop:
		return "drop"
	case nfAccept:
		return "accept"
	}
	return ""
}

func (t *table) addRule(ad *netlink.AttributeDecoder) error {
	r, of, err := ruleOf(ad)
	c := t.chains[r.chain]
	if of != t.name || c == nil {
		return err
	}
	if len(t.rules) >= rulesMost {
		return fmt.Errorf("table %s has more than %d rules", t.name, rulesMost)
	}
	r.comment = commentOf(r.userdata)
	t.rules[r.handle], c.rules = r, append(c.rules, r)
	return err
}

// ruleOf decodes a rule, and returns the name of its table, too.
func ruleOf(ad *netlink.AttributeDecoder) (r *rule, of string, err error) {
	r = &rule{}
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_RULE_TABLE:
			of = ad.String()
		case unix.NFTA_RULE_CHAIN:
			r.chain = ad.String()
		case unix.NFTA_RULE_HANDLE:
			r.handle = ad.Uint64()
		case unix.NFTA_RULE_EXPRESSIONS:
			r.raw = ad.Bytes()
		case unix.NFTA_RULE_USERDATA:
			r.userdata = ad.Bytes()
		}
	}
	return r, of, ad.Err()
}

func (t *table) addSet(ad *netlink.AttributeDecoder) error {
	s, of := &set{}, ""
	for ad.Next() {
		switch ad.Type() {
		case unix.NFTA_SET_TABLE:
			of = ad.String()
		case unix.NFTA_SET_NAME:
			s.name = ad.String()
		case unix.NFTA_SET_FLAGS:
			flags := ad.Uint32()
			s.anonymous, s.interval, s.isMap = flags&unix.NFT_SET_ANONYMOUS != 0, flags&unix.NFT_SET_INTERVAL != 0, flags&unix.NFT_SET_MAP != 0
		case unix.NFTA_SET_KEY_LEN:
			s.keySize = int(ad.Uint32())
		case unix.NFTA_SET_DATA_TYPE:
			s.verdicts = ad.Uint32() == unix.NFT_DATA_VERDICT
		}
	}
	if of == t.name {
		t.sets[s.name] = s
	}
	return ad.Err()
}

// element is an element of a set: a key, or with end an interval.
type element struct {
	key, end    []byte
	intervalEnd bool // the key is the first one after an interval
	catchAll    bool // matches if no other element does; it has no key
	data        []byte
	verdict     *expr.Verdict
}

// readElements calls f with each element of a set.
func (c *channel) readElements(key tableKey, name string, deadline time.Time, f func(element) error) error {
	r := request{unix.NFNL_SUBSYS_NFTABLES, unix.NFT_MSG_GETSETELEM, key.family, true, []netlink.Attribute{
		stringAttribute(unix.NFTA_SET_ELEM_LIST_TABLE, key.name), stringAttribute(unix.NFTA_SET_ELEM_LIST_SET, name),
	}}
	return c.query(r, deadline, func(_ uint8, ad *netlink.AttributeDecoder) error {
		for ad.Next() {
			if ad.Type() != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
				continue
			}
			if err := eachNested(ad.Bytes(), func(ad *netlink.AttributeDecoder) error {
				e, err := elementOf(ad.Bytes())
				if err != nil {
					return err
				}
				return f(e)
			}); err != nil {
				return err
			}
		}
		return ad.Err()
	})
}

// nftaSetElemKeyEnd is NFTA_SET_ELEM_KEY_END (5.6), nftSetElemCatchall is NFT_SET_ELEM_CATCHALL (5.13).
const (
	nftaSetElemKeyEnd  = 10
	nftSetElemCatchall = 2
)

func elementOf(b []byte) (e element, err error) {
	err = eachNested(b, func(ad *netlink.AttributeDecoder) (err error) {
		switch ad.Type() {
		case unix.NFTA_SET_ELEM_KEY:
			e.key, _, err = dataOf(ad.Bytes())
		case nftaSetElemKeyEnd:
			e.end, _, err = dataOf(ad.Bytes())
		case unix.NFTA_SET_ELEM_DATA:
			e.data, e.verdict, err = dataOf(ad.Bytes())
		case unix.NFTA_SET_ELEM_FLAGS:
			flags := ad.Uint32()
			e.intervalEnd, e.catchAll = flags&unix.NFT_SET_ELEM_INTERVAL_END != 0, flags&nftSetElemCatchall != 0
		}
		return err
	})
	return e, err
}

// dataOf decodes the attributes NFTA_DATA_*: bytes, or a verdict.
func dataOf(b []byte) (value []byte, verdict *expr.Verdict, err error) {
	err = eachNested(b, func(ad *netlink.AttributeDecoder) error {
		switch ad.Type() {
		case unix.NFTA_DATA_VALUE:
			value = ad.Bytes()
		case unix.NFTA_DATA_VERDICT:
			verdict = &expr.Verdict{}
			return eachNested(ad.Bytes(), func(ad *netlink.AttributeDecoder) error {
				switch ad.Type() {
				case unix.NFTA_VERDICT_CODE:
					verdict.Kind = expr.VerdictKind(int32(ad.Uint32()))
				case unix.NFTA_VERDICT_CHAIN:
					verdict.Chain = ad.String()
				}
				return nil
			})
		}
		return nil
	})
	return value, verdict, err
}

// readTargets reads the chains to which a verdict map leads.
func (c *channel) readTargets(key tableKey, s *set, deadline time.Time) error {
	return c.readElements(key, s.name, deadline, func(e element) error {
		if len(s.targets) >= rulesMost {
			return fmt.Errorf("map %s has more than %d elements", s.name, rulesMost)
		}
		if e.verdict != nil && e.verdict.Chain != "" {
			s.targets = append(s.targets, verdictOf{e.key, e.verdict.Kind == expr.VerdictJump, e.verdict.Chain})
		}
		return nil
	})
}
