// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"tracer/internal/printable"

	"github.com/cilium/ebpf/btf"
)

// basicWords are the words in the names of C's basic types.
var basicWords = []string{"void", "char", "short", "int", "long", "signed", "unsigned", "_Bool", "bool"}

var qualifiers = []string{"const", "volatile", "restrict"}

// startsType reports whether a token begins the name of a type.
func (p *parser) startsType(t token) bool {
	if t.kind != word || isReserved(t.text) {
		return false
	}
	switch {
	case t.text == "struct", t.text == "union", t.text == "enum":
		return true
	case slices.Contains(basicWords, t.text), slices.Contains(qualifiers, t.text):
		return true
	}
	return p.types.typedef(t.text) != nil
}

// isReserved reports whether a word is always a value or function, even if a type has the same name.
func isReserved(text string) bool {
	_, isFunction := functions[text]
	return isFunction || slices.Contains([]string{"skb", "true", "false", "NULL", "sizeof"}, text)
}

// typeInBrackets parses the name of a type and the closing parenthesis, as in a cast. The opening
// one is already consumed.
func (p *parser) typeInBrackets() btf.Type {
	t := p.specifier()
	for p.qualifier() || p.peek().text == "*" {
		if p.accept("*") {
			t = &btf.Pointer{Target: t}
		}
	}
	p.expect(")")
	return t
}

func (p *parser) qualifier() bool {
	return slices.ContainsFunc(qualifiers, p.accept)
}

// specifier parses a type without the stars of pointers.
func (p *parser) specifier() btf.Type {
	for p.qualifier() {
	}
	t := p.peek()
	switch {
	case t.text == "struct" || t.text == "union" || t.text == "enum":
		return p.tagged()
	case slices.Contains(basicWords, t.text):
		return p.basic()
	}
	if typedef := p.types.typedef(t.text); t.kind == word && typedef != nil {
		p.take()
		return typedef
	}
	fail(t.at, "the name of a type is missing %s", p.before())
	return nil
}

// tagged parses struct NAME, union NAME or enum NAME.
func (p *parser) tagged() btf.Type {
	keyword, tag := p.take().text, p.peek()
	if tag.kind != word {
		fail(tag.at, "the name of the %s is missing %s", keyword, p.before())
	}
	p.take()
	found := p.types.tagged(keyword, tag.text)
	if found == nil {
		fail(tag.at, "this kernel has no %s %s", keyword, printable.Quote(tag.text))
	}
	return found
}

// basic parses a basic type, such as unsigned long, with its words in any order.
func (p *parser) basic() btf.Type {
	start := p.peek().at
	var words []string
	for t := p.peek(); t.kind == word && slices.Contains(basicWords, t.text); t = p.peek() {
		words = append(words, p.take().text)
		p.qualifier()
	}
	slices.Sort(words)
	found, ok := basicTypes[strings.Join(words, " ")]
	if !ok {
		fail(start, "C has no such type")
	}
	if found == plainChar {
		return p.types.char()
	}
	return found
}

// basicTypes maps the sorted words of a basic type's name to the type.
var basicTypes = map[string]btf.Type{
	"void": &btf.Void{}, "_Bool": boolean, "bool": boolean, "char": plainChar,
	"char signed":        &btf.Int{Name: "signed char", Size: 1, Encoding: btf.Signed},
	"char unsigned":      &btf.Int{Name: "unsigned char", Size: 1},
	"short":              shortType,
	"int short":          shortType,
	"short signed":       shortType,
	"int short signed":   shortType,
	"short unsigned":     unsignedShort,
	"int short unsigned": unsignedShort,
	"int":                intType, "signed": intType, "int signed": intType,
	"unsigned": unsignedInt, "int unsigned": unsignedInt,
	"long": longType, "int long": longType, "long signed": longType, "int long signed": longType,
	"long long": longType, "int long long": longType, "long long signed": longType, "int long long signed": longType,
	"long unsigned": unsignedLong, "int long unsigned": unsignedLong,
	"long long unsigned": unsignedLong, "int long long unsigned": unsignedLong,
}
