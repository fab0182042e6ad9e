// SPDX-License-Identifier: Apache-2.0

package expr

import "fmt"

const (
	// maxText and maxDepth bound what an expression can be, in bytes and in brackets
	// and operators inside one another. They keep jumps in the reach of eBPF.
	maxText  = 4096
	maxDepth = 200
)

// parser reads an expression from its beginning to its end. It looks names up
// because C has to know types to tell (a)*b from a cast.
type parser struct {
	types  finder
	tokens []token
	depth  int
}

// parse reads the whole text.
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

// peekBehind is the token behind the next one.
func (p *parser) peekBehind() token { return p.tokens[min(1, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token where it is that sign or word.
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

// before tells where something is missing.
func (p *parser) before() string {
	if t := p.peek(); t.kind != end {
		return fmt.Sprintf("before %q", t.text)
	}
	return "at the end"
}

// enter notes that an expression begins inside another, leave that it ends.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		fail(p.peek().at, "it nests more than %d expressions", maxDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// instead says how words and signs of other languages, or of C where it changes
// something, are meant to be written.
var instead = map[string]string{
	"=": "use == to compare", "++": "an expression can't change a value", "--": "an expression can't change a value; write - -x or -(-x)",
	"and": "use &&", "or": "use ||", "not": "use !", "is": "use ==", "eq": "use ==",
	"?": "?: is not supported", ",": "write one expression",
}

// unexpected refuses the next token.
func (p *parser) unexpected() {
	t := p.peek()
	if t.kind == end {
		fail(t.at, "a value is missing at the end")
	}
	if hint, ok := instead[t.text]; ok {
		fail(t.at, "unexpected %q: %s", t.text, hint)
	}
	fail(t.at, "unexpected %q", t.text)
}

// precedence is how tightly an operator binds, as in C.
var precedence = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6,
	"<": 7, "<=": 7, ">": 7, ">=": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}

// binary reads operators that bind at least so tightly, and what stands between them.
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

// unary reads operators before an operand, and it.
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

// postfix reads what names a value, and the members and elements of it.
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

// character reads a character constant, whose type is int.
func (p *parser) character() expression {
	t := p.take()
	k, _ := kindOf(p.types.char())
	return &constant{at(t.at), k.wrap(characterValue(t)), kind{4, true}}
}

// named reads a name, or the call of a function.
func (p *parser) named() expression {
	t := p.take()
	if !p.accept("(") {
		return &name{at(t.at), t.text}
	}
	argument := p.binary(1)
	p.expect(")")
	return &call{at(t.at), t.text, argument}
}
