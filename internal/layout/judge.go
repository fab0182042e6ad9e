// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

var networkOrder = binary.BigEndian

// Functions that are probed.
const (
	doChain   = "nft_do_chain"
	immediate = "nft_immediate_eval"
	lookup    = "nft_lookup_eval"
)

// recipes returns what to copy in calls of the functions.
func (l *layout) recipes() []recipe {
	at := l.offset
	chain := at("nft_base_chain", "chain")
	return []recipe{
		{doChain, []object{
			{"", 0, 0, "pkt", 64},
			{"pkt", at("nft_pktinfo", "xt") + at("xt_action_param", "state"), 0, "state", 48},
			{"", 1, -int32(chain), "base", 208},
			{"base", chain + at("nft_chain", "table"), 0, "table", 272},
			{"table", at("nft_table", "name"), 0, "table name", 32},
			{"base", chain + at("nft_chain", "name"), 0, "chain name", 32},
			{"base", chain + at("nft_chain", "rules_gen_0"), 0, "rules 0", 24},
			{"base", chain + at("nft_chain", "rules_gen_1"), 0, "rules 1", 24},
		}},
		{immediate, []object{{"", 0, 0, "expr", 48}, {"", 1, 0, "regs", 48}, {"", 0, -int32(at("nft_rule", "data")), "rule", 48}}},
		{lookup, []object{{"", 0, 0, "expr", 48}, {"", 1, 0, "regs", 48}, {"expr", at("nft_expr", "data") + at("nft_lookup", "set"), 0, "set", 208}}},
	}
}

// judging collects the differences between what was captured and what must have been.
type judging struct {
	*layout
	errs []error
}

func (j *judging) want(what string, got, want uint64) {
	if got != want {
		j.errs = append(j.errs, fmt.Errorf("%s is %#x, want %#x", what, got, want))
	}
}

// Numbers of the kernel.
const (
	nfInetLocalOut = 3
	nftContinue    = 1<<32 - 1 // as all verdicts, of 32 bits
	nftJump        = 1<<32 - 3
	mapFlag        = unix.NFT_SET_MAP
	// reg1 is the number in an expression of what nft calls register 1.
	reg1 = 4
)

// judge returns an error if the captures differ from what netlink listed.
func (l *layout) judge(list []capture, want listed) error {
	var functions []string
	for _, c := range list {
		functions = append(functions, c.function)
	}
	if got, want := fmt.Sprint(functions), fmt.Sprint([]string{doChain, doChain, immediate, lookup, lookup, lookup, immediate, immediate}); got != want {
		return fmt.Errorf("calls of %s, want %s", got, want)
	}
	j := &judging{layout: l}
	early, first, jump, constant, drop := list[0], list[1], list[2], list[6], list[7]
	j.base(early, want, "early", want.early, earlyPriority, 1)
	j.base(first, want, "first", want.first, firstPriority, 0)
	j.rules(first, jump, want)
	second := drop.of("regs").number(0, l.member("nft_verdict", "chain"))
	j.links(early, first, second)
	for _, c := range list[2:] {
		j.want("the verdict during "+c.function, c.of("regs").number(0, l.member("nft_verdict", "code")), nftContinue)
		j.want("the packet of "+c.function, c.argument(2), first.argument(0))
		j.want("the registers of "+c.function, c.argument(1), jump.argument(1))
		if c.argument(0) != jump.argument(0) {
			j.want("the chain of the last jump", c.of("regs").number(0, l.member("nft_verdict", "chain")), second)
		}
	}
	j.immediate(jump, nftJump, 0)
	j.want("the chain of a jump", jump.of("expr").number(l.offset("nft_expr", "data"), l.member("nft_verdict", "chain")), second)
	j.immediate(constant, 0, reg1)
	j.immediate(drop, uint64(expr.VerdictDrop), 0)
	j.rule(drop, want.drop)
	j.lookup(list[3], mapFlag, 0)
	j.lookup(list[4], mapFlag, reg1)
	j.lookup(list[5], 0, 0)
	return errors.Join(j.errs...)
}

// base checks a base chain and its table.
func (j *judging) base(c capture, want listed, name string, handle uint64, priority int32, policy uint64) {
	base, table, chain := c.of("base"), c.of("table"), j.offset("nft_base_chain", "chain")
	if c.of("table name").name() != want.table {
		j.errs = append(j.errs, errors.New("the table has another name"))
	}
	if c.of("chain name").name() != name {
		j.errs = append(j.errs, fmt.Errorf("the chain %s has another name", name))
	}
	j.want("the table's handle", table.number(0, j.member("nft_table", "handle")), want.tableHandle)
	j.want("the table's family", table.number(0, j.member("nft_table", "family")), unix.NFPROTO_IPV4)
	j.want("the chain's handle", base.number(chain, j.member("nft_chain", "handle")), handle)
	j.want("the policy of "+name, base.number(0, j.member("nft_base_chain", "policy")), policy)
	j.want("the priority", base.number(0, j.member("nf_hook_ops", "priority")), uint64(uint32(priority)))
	j.want("the hook of the chain", base.number(0, j.member("nf_hook_ops", "hooknum")), nfInetLocalOut)
	j.want("the family of the hook", base.number(0, j.member("nf_hook_ops", "pf")), unix.NFPROTO_IPV4)
	state := c.of("state")
	j.want("the hook of the packet", state.number(0, j.member("nf_hook_state", "hook")), nfInetLocalOut)
	j.want("the family of the packet's hook", state.number(0, j.member("nf_hook_state", "pf")), unix.NFPROTO_IPV4)
	if c.of("pkt").number(0, j.member("nft_pktinfo", "skb")) == 0 {
		j.errs = append(j.errs, errors.New("the packet has no sk_buff"))
	}
}

// rules checks the rules of a chain: the first one is the same in both generations, and only one has a second rule.
func (j *judging) rules(c, jump capture, want listed) {
	rule := jump.argument(0) - uint64(j.offset("nft_rule", "data"))
	second := 0
	for _, generation := range []string{"rules 0", "rules 1"} {
		list := c.of(generation)
		j.want("the first rule in "+generation, list.u64(0), rule)
		if list.u64(8) != 0 {
			second++
			j.want("the end of "+generation, list.u64(16), 0)
		}
	}
	j.want("the number of generations with two rules", uint64(second), 1)
	j.rule(jump, want.jump)
}

// rule checks a rule with one expression.
func (j *judging) rule(c capture, handle uint64) {
	r := c.of("rule")
	j.want("the handle of a rule", r.number(0, j.member("nft_rule", "handle")), handle)
	j.want("the size of a rule", r.number(0, j.member("nft_rule", "dlen")), uint64(j.offset("nft_expr", "data")+j.size("nft_immediate_expr")))
}

func (l *layout) size(of string) uint32 {
	for _, s := range l.structs {
		if s.name == of {
			return s.size
		}
	}
	return 0
}

// links checks the list of chains, in the order in which they were added.
func (j *judging) links(early, first capture, second uint64) {
	list, head := uint64(j.offset("nft_chain", "list")), j.offset("nft_table", "chains")
	next := func(of memory, start, member uint32) uint64 {
		return of.number(start+member, j.member("list_head", "next"))
	}
	at := j.offset("nft_base_chain", "chain")
	j.want("the first chain of the table", next(early.of("table"), 0, head), early.argument(1)+list)
	j.want("the second chain of the table", next(early.of("base"), at, uint32(list)), first.argument(1)+list)
	j.want("the third chain of the table", next(first.of("base"), at, uint32(list)), second+list)
}

// immediate checks an expression that loads a constant.
func (j *judging) immediate(c capture, code, register uint64) {
	data, e := j.offset("nft_expr", "data"), c.of("expr")
	j.want("a constant", e.number(data, j.member("nft_verdict", "code")), code)
	j.want("the register of a constant", e.number(data, j.member("nft_immediate_expr", "dreg")), register)
}

// lookup checks an expression that looks up the port.
func (j *judging) lookup(c capture, flags, result uint64) {
	data, e := j.offset("nft_expr", "data"), c.of("expr")
	j.want("the key of a look-up", e.number(data, j.member("nft_lookup", "sreg")), reg1)
	j.want("the result of a look-up", e.number(data, j.member("nft_lookup", "dreg")), result)
	j.want("the flag of a map", c.of("set").number(0, j.member("nft_set", "flags"))&mapFlag, flags)
}
