// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/kernel"
)

// decider is a function that decides about packets, with its decisions.
type decider struct {
	kernel.Function
	record bpf.DecisionFunction
	// atEntry and atReturn are its decisions. indirect is one of them: the one that reads the packet from an argument.
	atEntry, atReturn []*decision
	indirect          *decision
	// countsRules means that it evaluates rules of iptables-legacy or ebtables, and that the one that drops a packet
	// is looked for.
	countsRules bool
}

// decider returns the decider of a function, and adds one if there is none yet.
func (d *decisions) decider(f kernel.Function, readsPacket bool) *decider {
	key := f.Addr
	if readsPacket {
		key += bpf.IndirectKey
	}
	if found := d.byKey[key]; found != nil {
		return found
	}
	added := &decider{Function: f}
	added.record.Packet = uint8(f.SkbArg)
	d.byKey[key] = added
	d.list = append(d.list, added)
	return added
}

// keyOf returns the key of a decider in the map decision_functions.
func keyOf(f *decider) uint64 {
	if f.indirect != nil {
		return f.Addr + bpf.IndirectKey
	}
	return f.Addr
}

// add adds a decision. It returns false if there are too many.
func (f *decider) add(added *decision, at explain.Moment) bool {
	list := &f.atReturn
	if at == explain.AtEntry {
		list = &f.atEntry
	}
	if len(*list) == bpf.MaxFunctionDecisions || added.skb != nil && f.indirect != nil {
		return false
	}
	if *list = append(*list, added); added.skb != nil {
		f.indirect = added
	}
	return true
}

// setNumber sets the number of the decision that was added last.
func (f *decider) setNumber(of *decision, at explain.Moment) {
	if at == explain.AtEntry {
		f.record.AtEntry[len(f.atEntry)-1] = of.number
	} else {
		f.record.AtReturn[len(f.atReturn)-1] = of.number
	}
}

// probesReturn reports whether the return of the function is probed.
func (f *decider) probesReturn() bool { return len(f.atReturn) > 0 || f.record.Outer != 0 }
