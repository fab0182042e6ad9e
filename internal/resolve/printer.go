// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables/expr"
)

// printer writes a rule as nft does, without the values of counters (`nft -s`). It writes an unknown expression as its
// name in brackets.
type printer struct {
	family uint8
	// ask provides what is not in the rule itself.
	ask questions

	statements         []statement
	registers          map[int]*operand
	constants          map[int][]byte
	network, transport string         // the packet's protocols as far as earlier comparisons imply them
	dependencies       map[string]int // the indexes of the statements that compared them, by layer
	complete           bool
	unknown            bool // an unknown expression may have changed registers
}

// statement is a part of the output. It is hidden if a later one implies it.
type statement struct {
	text   string
	hidden bool
}

// questions are functions that provide what is not in a rule itself.
type questions struct {
	set      func(name string) (*set, []element, error)
	chain    func(name string) []string // the rules of an anonymous chain
	ifname   func(index uint32) string
	elements int // the largest number of printed elements of an anonymous set; 0 for all
}

// printRule returns the text of a rule without its comment. complete is false if a part is unknown.
func printRule(family uint8, rule []expression, ask questions) (text string, complete bool) {
	p := &printer{
		family: family, ask: ask, registers: map[int]*operand{}, constants: map[int][]byte{}, dependencies: map[string]int{},
		network: networkOf(family), complete: true,
	}
	for _, e := range rule {
		p.expression(e)
	}
	var parts []string
	for _, s := range p.statements {
		if !s.hidden {
			parts = append(parts, s.text)
		}
	}
	return strings.Join(parts, " "), p.complete
}

func (p *printer) add(text string) { p.statements = append(p.statements, statement{text: text}) }

// giveUp writes an expression that can't be printed. The contents of all registers are unknown after it.
func (p *printer) giveUp(name string) {
	p.add("[" + name + "]")
	p.complete, p.unknown = false, true
	clear(p.registers)
	clear(p.constants)
}

// expression writes the next expression, or records what it loads into a register.
func (p *printer) expression(e expression) {
	switch v := e.value.(type) {
	case *expr.Meta:
		p.meta(e.name, v)
	case *expr.Ct:
		if o, ok := ctKeys[v.Key]; ok {
			p.load(v.Register, o)
			return
		}
		p.giveUp(e.name)
	case *expr.Payload:
		if o := p.payload(v); o != nil {
			p.load(v.DestRegister, *o)
			return
		}
		p.giveUp(e.name)
	case *expr.Fib:
		p.fib(v)
	case *expr.Immediate:
		p.constants[slot(v.Register)] = v.Data
	case *byteorder:
		o := p.registers[slot(v.source)]
		if o == nil || v.source != v.destination || v.size != v.length || int(v.length) != o.size || !o.kind.host {
			p.orUnknown(o, e.name)
			return
		}
		o.swapped = true
	case *expr.Bitwise:
		p.bitwise(v)
	case *expr.Cmp:
		p.compare(v.Register, v.Op, v.Data)
	case *expr.Range:
		p.inRange(v)
	case *expr.Lookup:
		p.lookup(v)
	default:
		p.statement(e)
	}
}

func (p *printer) load(register uint32, o operand) {
	if o.whole == 0 {
		o.whole = o.size
	}
	delete(p.constants, slot(register))
	p.registers[slot(register)] = &o
}

func (p *printer) meta(name string, v *expr.Meta) {
	index := func(o operand) operand {
		o.kind, o.size = &valueType{host: true, format: func(b []byte) string {
			if name := p.ask.ifname(uint32(hostNumber(b))); name != "" {
				return `"` + name + `"`
			}
			return hostDecimal.format(b)
		}}, 4
		return o
	}
	o, ok := metaKeys[v.Key]
	switch {
	case v.Key == expr.MetaKeyIIF:
		o = index(operand{name: "iif"})
	case v.Key == expr.MetaKeyOIF:
		o = index(operand{name: "oif"})
	case !ok:
		p.giveUp(name)
		return
	}
	if !v.SourceRegister {
		p.load(v.Register, o)
		return
	}
	value, isConstant := p.constants[slot(v.Register)]
	if !isConstant || len(value) < o.size {
		p.giveUp(name)
		return
	}
	defer clear(p.dependencies)
	p.add(o.name + " set " + o.kind.format(value[:o.size]))
}

func (p *printer) bitwise(v *expr.Bitwise) {
	o := p.registers[slot(v.SourceRegister)]
	if o == nil || v.SourceRegister != v.DestRegister || o.mask != nil || len(bytes.Trim(v.Xor, "\x00")) > 0 {
		p.orUnknown(o, "bitwise")
		return
	}
	o.mask = v.Mask
}

// orUnknown writes an expression that can't be printed, unless its operand is unknown because of an expression that was
// written in brackets already.
func (p *printer) orUnknown(o *operand, name string) {
	if o == nil && p.unknown {
		return
	}
	p.giveUp(name)
}

var operators = map[expr.CmpOp]string{
	expr.CmpOpEq: "", expr.CmpOpNeq: "!= ", expr.CmpOpLt: "< ", expr.CmpOpLte: "<= ", expr.CmpOpGt: "> ", expr.CmpOpGte: ">= ",
}

func (p *printer) compare(register uint32, op expr.CmpOp, value []byte) {
	o := p.registers[slot(register)]
	if o == nil {
		p.orUnknown(o, "cmp")
		return
	}
	if o.parts != nil {
		p.compareParts(o, op, value)
		return
	}
	if o.swapped {
		value = hostOrder(value)
	}
	before := o.last
	o.last = &comparison{op, value, len(p.statements)}
	if before != nil && before.op == expr.CmpOpGte && op == expr.CmpOpLte && before.at == len(p.statements)-1 {
		p.statements[before.at].text = o.name + " " + o.kind.format(before.value) + "-" + o.kind.format(value)
		return
	}
	text, ok := o.compared(op, value)
	if !ok {
		p.giveUp(o.name)
		return
	}
	p.uses(o)
	p.add(text)
	p.learn(o, op, value)
}

// compareParts writes the comparisons of adjacent fields that nft merged into one.
func (p *printer) compareParts(o *operand, op expr.CmpOp, value []byte) {
	if op != expr.CmpOpEq || o.mask != nil || len(value) < o.size {
		p.giveUp("payload")
		return
	}
	for _, part := range o.parts {
		text, _ := part.compared(op, value[:part.size])
		p.uses(part)
		p.add(text)
		p.learn(part, op, value[:part.size])
		value = value[part.size:]
	}
}

// hostOrder converts a number from network to host byte order.
func hostOrder(value []byte) []byte {
	value = slices.Clone(value)
	if !isBigEndian {
		slices.Reverse(value)
	}
	return value
}

// compared returns the text of a comparison, or false if nft's form of it is unknown.
func (o *operand) compared(op expr.CmpOp, value []byte) (string, bool) {
	if o.mask != nil {
		return o.masked(op, value)
	}
	operator := operators[op]
	if o.kind.flags != nil && op == expr.CmpOpEq {
		operator = "== "
	}
	if o.kind.isAddress && o.size < o.whole {
		whole := append(slices.Clone(value), make([]byte, o.whole-o.size)...)
		return fmt.Sprintf("%s %s%s/%d", o.name, operator, o.kind.format(whole), 8*o.size), op == expr.CmpOpEq || op == expr.CmpOpNeq
	}
	return o.name + " " + operator + o.kind.format(value), true
}

// masked returns the text of a comparison of some bits, or false if nft's form of it is unknown.
func (o *operand) masked(op expr.CmpOp, value []byte) (string, bool) {
	isZero := len(bytes.Trim(value, "\x00")) == 0
	equal := op == expr.CmpOpEq || op == expr.CmpOpNeq
	switch {
	case o.kind.isAddress && equal:
		length, ok := prefixLength(o.mask)
		return fmt.Sprintf("%s %s%s/%d", o.name, operators[op], o.kind.format(value), length), ok
	case o.kind == tcpFlags && equal && (op == expr.CmpOpEq || !isZero):
		return fmt.Sprintf("%s %s%s / %s", o.name, operators[op], o.kind.format(value), o.kind.format(o.mask)), !isZero
	case o.kind.flags != nil && op == expr.CmpOpNeq && isZero:
		return o.name + " " + o.kind.format(o.mask), true
	case (o.kind == markType || o.kind == decimal) && equal:
		operator := "== "
		if op == expr.CmpOpNeq {
			operator = "!= "
		}
		return fmt.Sprintf("%s & %s %s%s", o.name, o.kind.format(o.mask), operator, o.kind.format(value)), true
	}
	return "", false
}

// prefixLength returns the number of leading ones of a mask; ok is false if it has other ones.
func prefixLength(mask []byte) (length int, ok bool) {
	for _, b := range mask {
		for bit := 7; bit >= 0; bit-- {
			isSet := b>>bit&1 == 1
			if isSet && ok {
				return 0, false
			}
			if isSet {
				length++
			} else {
				ok = true // no more ones may follow
			}
		}
	}
	return length, true
}

func (p *printer) inRange(v *expr.Range) {
	o := p.registers[slot(v.Register)]
	if o == nil || o.mask != nil || o.parts != nil {
		p.orUnknown(o, "range")
		return
	}
	from, to := v.FromData, v.ToData
	if o.swapped {
		from, to = hostOrder(from), hostOrder(to)
	}
	p.uses(o)
	p.add(o.name + " " + operators[v.Op] + o.kind.format(from) + "-" + o.kind.format(to))
}

// learn records the protocol that the packet has after a comparison.
func (p *printer) learn(o *operand, op expr.CmpOp, value []byte) {
	if op != expr.CmpOpEq || o.opens == "" {
		return
	}
	name := o.kind.format(value)
	if o.opens == transportLayer {
		p.transport = name
		if _, has := transportFields[name]; !has {
			p.transport = "other"
		}
	}
	switch o.opens {
	case networkLayer:
		network := map[string]string{"ip": "ipv4", "ip6": "ipv6", "ipv4": "ipv4", "ipv6": "ipv6"}[name]
		if p.network != "" && p.network != network { // no packet matches
			network = contradiction
		}
		p.network = network
	}
	p.dependencies[o.opens] = len(p.statements) - 1
}

// uses hides the statements that the operand implies.
func (p *printer) uses(o *operand) {
	for _, layer := range o.needs {
		if at, ok := p.dependencies[layer]; ok {
			p.hide(at)
			delete(p.dependencies, layer)
		}
	}
}

// hide hides a statement of a kind that nft adds as a dependency, not one that only users write.
func (p *printer) hide(at int) {
	if text := p.statements[at].text; strings.HasPrefix(text, "meta ") || strings.HasPrefix(text, "ether type ") {
		p.statements[at].hidden = true
	}
}
