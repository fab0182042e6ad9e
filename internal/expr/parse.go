// SPDX-License-Identifier: Apache-2.0

package expr

import "tracer/internal/printable"

const (
	// maxText is the maximum length of an expression in bytes, maxDepth its maximum
	// nesting. They keep jumps within the range of eBPF offsets.
	maxText  = 4096
	maxDepth = 200
)

// parser is a recursive descent parser. It looks up type names, since otherwise
// (a)*b could be a cast or a product.
type parser struct {
	types  finder
	tokens []token
	depth  int
}

// parse parses the whole text.
func parse(types finder, text string) expression {
	if len(text) > maxText {
		fail(maxText, "it is longer than %d bytes", maxText)
	}
	p := parser{types: types, tokens: lex(text)}
	parsed := p.binary(1)
	if p.peek().kind != end {
		p.unexpected()
	}
	return parsed
}

func (p *parser) peek() token { return p.tokens[0] }

// peekBehind returns the token after the next one.
func (p *parser) peekBehind() token { return p.tokens[min(1, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept consumes the next token if it is that sign or word.
func (p *parser) accept(text string) bool {
	t := p.peek()
	if (t.kind != sign && t.kind != word) || t.text != text {
		return false
	}
	p.take()
	return true
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		fail(p.peek().at, "%s is missing %s", text, p.before())
	}
}

// before returns where a token is missing, for messages: before the next token or at the end.
func (p *parser) before() string {
	if t := p.peek(); t.kind != end {
		return "before " + printable.Quote(t.text)
	}
	return "at the end"
}

// enter counts a nested expression, and fails if there are too many.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		fail(p.peek().at, "it nests more than %d expressions", maxDepth)
	}
}

// leave ends a nested expression.
func (p *parser) leave() { p.depth-- }

// instead has hints for operators of other languages, and for those of C that are not
// supported.
var instead = map[string]string{
	"=": "use == to compare", "++": "an expression can't change a value", "--": "an expression can't change a value; write - -x or -(-x)",
	"and": "use &&", "or": "use ||", "not": "use !", "is": "use ==", "eq": "use ==",
	"?": "?: is not supported", ",": "write one expression",
}

// unexpected rejects the next token.
func (p *parser) unexpected() {
	t := p.peek()
	if t.kind == end {
		fail(t.at, "a value is missing at the end")
	}
	if hint, ok := instead[t.text]; ok {
		fail(t.at, "unexpected %s: %s", printable.Quote(t.text), hint)
	}
	fail(t.at, "unexpected %s", printable.Quote(t.text))
}

// precedence is how tightly an operator binds, as in C.
var precedence = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6,
	"<": 7, "<=": 7, ">": 7, ">=": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}

// binary parses operands joined by operators of at least that precedence.
func (p *parser) binary(least int) expression {
	p.enter()
	defer p.leave()
	left := p.unary()
	for {
		t := p.peek()
		binds := precedence[t.text]
		if t.kind != sign || binds < least || binds == 0 {
			return left
		}
		p.take()
		left = &infix{at(t.at), t.text, left, p.binary(binds + 1)}
	}
}

// unary parses an operand with its prefix operators and casts.
func (p *parser) unary() expression {
	p.enter()
	defer p.leave()
	t := p.peek()
	switch {
	case t.kind == word && t.text == "sizeof":
		return p.sizeOf()
	case t.kind != sign:
		return p.postfix()
	}
	switch t.text {
	case "*", "&", "!", "~", "-", "+":
		p.take()
		return &prefixed{at(t.at), t.text, p.unary()}
	case "(":
		if p.startsType(p.peekBehind()) {
			p.take()
			return &cast{at(t.at), p.typeInBrackets(), p.unary()}
		}
	}
	return p.postfix()
}

func (p *parser) sizeOf() expression {
	t := p.take()
	if p.peek().text == "(" && p.startsType(p.peekBehind()) {
		p.take()
		return &sizeOf{at: at(t.at), to: p.typeInBrackets()}
	}
	return &sizeOf{at: at(t.at), of: p.unary()}
}

// postfix parses a primary expression and the members and elements after it.
func (p *parser) postfix() expression {
	of := p.primary()
	for {
		t := p.peek()
		switch {
		case p.accept("->") || p.accept("."):
			of = p.member(of)
		case p.accept("["):
			index := p.binary(1)
			p.expect("]")
			of = &element{at(t.at), of, index}
		default:
			return of
		}
	}
}

func (p *parser) member(of expression) expression {
	t := p.peek()
	if t.kind != word {
		fail(t.at, "the name of a member is missing %s", p.before())
	}
	p.take()
	return &member{at(t.at), of, t.text}
}

func (p *parser) primary() expression {
	t := p.peek()
	switch t.kind {
	case word:
		return p.named()
	case digits:
		value, kind := integer(p.take())
		return &constant{at(t.at), value, kind}
	case character:
		return p.character()
	case quoted:
		return &literal{at(t.at), unescaped(p.take())}
	}
	if !p.accept("(") {
		p.unexpected()
	}
	inner := p.binary(1)
	p.expect(")")
	return inner
}

// character parses a character constant, whose type is int.
func (p *parser) character() expression {
	t := p.take()
	k, _ := kindOf(p.types.char())
	return &constant{at(t.at), k.wrap(characterValue(t)), kind{4, true}}
}

// named parses a name or a function call.
func (p *parser) named() expression {
	t := p.take()
	if !p.accept("(") {
		return &name{at(t.at), t.text}
	}
	argument := p.binary(1)
	p.expect(")")
	return &call{at(t.at), t.text, argument}
}
