// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"errors"
	"slices"
)

var errMalformed = errors.New("malformed")

// Targets (struct xt_entry_target) have their size, the name and the data of the target.
const (
	targetName = 2
	targetData = 32
	nameSize   = 29
	// errorTarget is the name of what stands at the beginning of each chain that is no base chain, and at the end.
	errorTarget  = "ERROR"
	rejectTarget = "REJECT"
	// Verdicts of targets without a name; other negative ones are rare.
	verdictDrop   = -1
	verdictAccept = -2
	verdictReturn = -5
)

// xtTarget is a target of a rule.
type xtTarget struct {
	name string
	data []byte
	// verdict is that of a target without a name: negative, or where to jump to.
	verdict int
}

// target returns the target of a rule.
func (f *legacyFormat) target(entry []byte) (t xtTarget) {
	raw := entry[binary.NativeEndian.Uint16(entry[f.offsets:]):]
	t.name, t.data = cString(raw[targetName:targetName+nameSize]), raw[targetData:]
	if t.name == "" && len(t.data) >= 4 {
		t.verdict = int(int32(binary.NativeEndian.Uint32(t.data)))
	}
	return t
}

// split returns the rules of a table with their positions.
func (f *legacyFormat) split(raw []byte) (entries [][]byte, at []int, err error) {
	for position := 0; position < len(raw); {
		rest := raw[position:]
		if len(rest) < f.head {
			return nil, nil, errMalformed
		}
		target, next := int(binary.NativeEndian.Uint16(rest[f.offsets:])), int(binary.NativeEndian.Uint16(rest[f.offsets+2:]))
		if target < f.head || next < target+targetData || next > len(rest) {
			return nil, nil, errMalformed
		}
		entries, at = append(entries, rest[:next]), append(at, position)
		position += next
	}
	return entries, at, nil
}

// parseXtables parses a table, whose counters it sets to 0.
func parseXtables(f *legacyFormat, info *xtInfo, raw []byte) (*legacyTable, error) {
	entries, at, err := f.split(raw)
	if err != nil {
		return nil, err
	}
	t := newLegacyTable(f, raw, len(entries))
	var chain *legacyChain
	for i, entry := range entries {
		const countersSize = 16
		clear(entry[f.counters : f.counters+countersSize])
		if hook := info.hookAt(info.entry, at[i]); hook >= 0 {
			chain = t.begin(f.hooks[hook], at[i], true)
		}
		target := f.target(entry)
		if target.name == errorTarget {
			chain = t.begin(cString(target.data), at[i]+len(entry), false)
			continue
		}
		if chain == nil {
			return nil, errMalformed
		}
		t.add(chain, entry, at[i], target)
		if info.hookAt(info.underflow, at[i]) >= 0 && chain.base {
			chain.rules[len(chain.rules)-1].number = 0
		}
	}
	t.end()
	return t, nil
}

func newLegacyTable(f *legacyFormat, raw []byte, count int) *legacyTable {
	return &legacyTable{format: f, raw: raw, count: count, rules: map[int]*legacyRule{}, starts: map[int]*legacyChain{}}
}

// hookAt returns the hook that has this position, or -1.
func (i *xtInfo) hookAt(positions []int, at int) int {
	for hook, position := range positions {
		if i.valid>>hook&1 != 0 && position == at {
			return hook
		}
	}
	return -1
}

// begin begins a chain.
func (t *legacyTable) begin(name string, start int, base bool) *legacyChain {
	t.end()
	c := &legacyChain{name: name, start: start, base: base}
	t.chains = append(t.chains, c)
	t.starts[start] = c
	return c
}

// end ends the last chain. One that is no base chain ends with a return that iptables does not show.
func (t *legacyTable) end() {
	if len(t.chains) == 0 {
		return
	}
	c := t.chains[len(t.chains)-1]
	if c.base || len(c.rules) == 0 {
		return
	}
	if last := c.rules[len(c.rules)-1]; last.returns {
		last.number = 0
	}
}

// add adds a rule to a chain.
func (t *legacyTable) add(c *legacyChain, entry []byte, at int, target xtTarget) {
	f := t.format
	r := &legacyRule{chain: c, number: len(c.rules) + 1, entry: entry, to: -1}
	isStandard := target.name == ""
	r.drops = isStandard && target.verdict == verdictDrop || target.name == rejectTarget
	r.returns = isStandard && target.verdict == verdictReturn
	if isStandard && target.verdict >= 0 && target.verdict != at+len(entry) {
		r.to = target.verdict
		r.isGoto = f.gotoBit != 0 && entry[f.gotoAt]&f.gotoBit != 0
	}
	c.rules = append(c.rules, r)
	t.rules[at] = r
}

// matches calls take with the name, revision and data of each match of a rule (struct xt_entry_match).
func (f *legacyFormat) matches(entry []byte, take func(name string, revision byte, data []byte)) {
	target := int(binary.NativeEndian.Uint16(entry[f.offsets:]))
	for rest := entry[f.head:target]; len(rest) >= targetData; {
		size := int(binary.NativeEndian.Uint16(rest))
		if size < targetData || size > len(rest) {
			return
		}
		take(cString(rest[targetName:targetName+nameSize]), rest[targetData-1], slices.Clip(rest[targetData:size]))
		rest = rest[size:]
	}
}
