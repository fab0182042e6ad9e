// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"strings"

	"tracer/internal/event"
	"tracer/internal/expr"
	"tracer/internal/printable"
)

// template is a parsed text: a list of parts, of which the optional ones, in [[ ]], are left out if a value is unknown. An
// optional part that begins with "if FORMULA: " is also left out unless the formula is true.
type template []part

type part struct {
	optional bool
	when     *expr.Formula // nil: always
	pieces   []piece
}

// piece is plain text, a value if key is set, or the prefix of a command if place is set.
type piece struct {
	text, key string
	place     place
	// inName is set if the value follows a dot, as in net.ipv4.conf.{dev}.rp_filter.
	inName bool
	// inCommand is set if the text may be copied to a shell.
	inCommand bool
}

// write returns the value as text. In a dotted name, sysctl(8) reads a slash as a dot: the device eth0.5 is
// net.ipv4.conf.eth0/5.
func (p piece) write(v Value) string {
	text := v.Text
	if p.place != anywhere {
		return text
	}
	if p.inName {
		text = strings.ReplaceAll(text, ".", "/")
	}
	if p.inCommand && v.Kind == event.WordFact {
		text = ShellWord(text)
	}
	return text
}

// valueKey is the key of the piece's value, or "" for plain text.
func (p piece) valueKey() string {
	if p.place != anywhere {
		return prefixKey + string(p.place)
	}
	return p.key
}

// prefixKey begins the keys of the prefixes of commands.
const prefixKey = "prefix "

// quoteNames makes the text safe to be copied to a shell: a container can choose the names of devices, tables and chains.
func (t template) quoteNames() {
	for _, p := range t {
		for i := range p.pieces {
			p.pieces[i].inCommand = true
		}
	}
}

// plainWord has the characters that need no quotes in a shell. The character after a truncated name is not special, either.
const plainWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:/@%+=…"

// ShellWord quotes a name for a shell unless it has only plain characters. The quotes have no backslash, which the text
// output would double, so that a quote in the name would end them.
func ShellWord(name string) string {
	isSpecial := func(r rune) bool { return !strings.ContainsRune(plainWord, r) }
	if !strings.ContainsFunc(name, isSpecial) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'"'"'`) + "'"
}

// parseTemplate parses a text with {key} and [[ ]].
func parseTemplate(text string) (template, error) {
	var t template
	for rest := text; rest != ""; {
		plain, after, opened := strings.Cut(rest, "[[")
		inner, behind, closed := strings.Cut(after, "]]")
		if opened && !closed || strings.Contains(plain, "]]") || strings.Contains(inner, "[[") {
			return nil, fmt.Errorf("text %s: [[ and ]] do not match", printable.Quote(text))
		}
		for _, p := range []struct {
			text     string
			optional bool
		}{{plain, false}, {inner, true}} {
			parsed, err := parsePart(p.text, p.optional)
			if err != nil {
				return nil, fmt.Errorf("text %s: %w", printable.Quote(text), err)
			}
			if len(parsed.pieces) > 0 {
				t = append(t, parsed)
			}
		}
		rest = behind
	}
	return t, nil
}

func parsePart(text string, optional bool) (p part, err error) {
	p.optional = optional
	if condition, rest, is := strings.Cut(text, ": "); is && optional && strings.HasPrefix(condition, "if ") {
		if p.when, err = expr.ParseFormula(strings.TrimPrefix(condition, "if ")); err != nil {
			return p, err
		}
		text = rest
	}
	p.pieces, err = parsePieces(text)
	return p, err
}

func parsePieces(text string) ([]piece, error) {
	var pieces []piece
	for text != "" {
		plain, after, opened := strings.Cut(text, "{")
		key, behind, closed := strings.Cut(after, "}")
		if strings.Contains(plain, "}") || opened && (!closed || key == "" || strings.Contains(key, "{")) {
			return nil, fmt.Errorf("{ and } do not match")
		}
		if plain != "" {
			pieces = append(pieces, piece{text: plain})
		}
		if opened {
			pieces = append(pieces, piece{key: key, inName: strings.HasSuffix(plain, ".")})
		}
		text = behind
	}
	return pieces, nil
}

// keys returns the keys of the optional parts, or of the others.
func (t template) keys(optional bool) []string {
	var keys []string
	for _, p := range t {
		if p.optional != optional {
			continue
		}
		if p.when != nil {
			keys = append(keys, p.when.Names()...)
		}
		for _, piece := range p.pieces {
			if piece.key != "" {
				keys = append(keys, piece.key)
			}
		}
	}
	return keys
}

// fill returns the text, or false if a value outside the optional parts is unknown.
func (t template) fill(values Values) (string, bool) {
	var b strings.Builder
	for _, p := range t {
		text, known := p.fill(values)
		if !known && !p.optional {
			return "", false
		}
		if known {
			b.WriteString(text)
		}
	}
	return b.String(), true
}

// pieces appends the pieces of the text that fill returns.
func (t template) pieces(dst []event.WhyPiece, values Values) []event.WhyPiece {
	for i, p := range t {
		if _, known := p.fill(values); !known {
			continue
		}
		for _, piece := range p.pieces {
			one := event.WhyPiece{Text: piece.text, Part: uint16(i), Optional: p.optional}
			if v, isValue := values[piece.key]; isValue {
				one.Key, one.Text, one.Number, one.IsNumber = piece.key, piece.write(v), v.Number, v.Kind == event.NumberFact
			}
			dst = append(dst, one)
		}
	}
	return dst
}

// fillLoosely returns the text with the last word of the key in capital letters, like a placeholder in a manual page, for
// each value that is unknown.
func (t template) fillLoosely(values Values) string {
	var b strings.Builder
	for _, p := range t {
		if p.optional {
			text, _ := p.fill(values)
			b.WriteString(text)
			continue
		}
		for _, piece := range p.pieces {
			value, known := values[piece.valueKey()]
			if piece.key != "" && !known {
				value.Text = strings.ToUpper(piece.key[strings.LastIndex(piece.key, ".")+1:])
			}
			b.WriteString(piece.text + piece.write(value))
		}
	}
	return b.String()
}

func (p part) fill(values Values) (string, bool) {
	if p.when != nil {
		if holds, known := p.when.Eval(values.number); !known || holds == 0 {
			return "", false
		}
	}
	var b strings.Builder
	for _, piece := range p.pieces {
		b.WriteString(piece.text)
		if piece.place != anywhere {
			b.WriteString(values[piece.valueKey()].Text)
		}
		if piece.key == "" {
			continue
		}
		value, known := values[piece.key]
		if !known {
			return "", false
		}
		b.WriteString(piece.write(value))
	}
	return b.String(), true
}
