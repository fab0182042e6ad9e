// SPDX-License-Identifier: Apache-2.0

// Package roff writes manual pages with the macros of man(7), which every implementation of roff has.
package roff

import (
	"fmt"
	"strings"
)

// Page is a manual page under construction.
type Page struct {
	b strings.Builder
	// headed is set directly below a heading, where a paragraph needs no macro.
	headed bool
}

// Title has the contents of the first and the last line of a page.
type Title struct {
	Name    string
	Section int
	// Date has the form 2006-01-02. An empty date makes linters warn.
	Date string
	// Source is the program and its version.
	Source string
}

// New begins a page. Hyphenation and justification are off, so that text copied from the page is what
// was written.
func New(t Title) *Page {
	p := &Page{}
	p.macro("TH", escape(strings.ToUpper(t.Name)), fmt.Sprint(t.Section), t.Date, escape(t.Source))
	p.macro("nh")
	p.macro("ad", "l")
	return p
}

// String returns the source of the page.
func (p *Page) String() string { return p.b.String() }

// Section begins a section. Its name is printed in capitals.
func (p *Page) Section(name string) { p.heading("SH", strings.ToUpper(name)) }

// Subsection begins a subsection.
func (p *Page) Subsection(name string) { p.heading("SS", name) }

func (p *Page) heading(macro, name string) {
	p.macro(macro, escape(name))
	p.headed = true
}

// Paragraph adds a paragraph, filled to the width of the window.
func (p *Page) Paragraph(text ...Text) {
	p.begin()
	p.fill(text...)
}

func (p *Page) begin() {
	if !p.headed {
		p.macro("PP")
	}
	p.headed = false
}

// Item adds a tag with an indented description.
func (p *Page) Item(tag Text, meaning ...Text) {
	p.headed = false
	p.macro("TP")
	p.line(string(tag))
	p.fill(meaning...)
}

// Code adds lines that are not filled.
func (p *Page) Code(lines string) {
	p.begin()
	p.macro("RS", "4")
	p.macro("nf")
	for line := range strings.Lines(lines) {
		p.line(string(Bold(strings.TrimRight(line, "\n"))))
	}
	p.macro("fi")
	p.macro("RE")
}

// macro writes a request or macro. Arguments that are empty or have spaces are quoted.
func (p *Page) macro(name string, args ...string) {
	p.b.WriteString("." + name)
	for _, arg := range args {
		p.b.WriteString(" " + quoted(arg))
	}
	p.b.WriteByte('\n')
}

func quoted(arg string) string {
	if arg == "" || strings.Contains(arg, " ") {
		return `"` + arg + `"`
	}
	return arg
}

// lineMost is the width of the source.
const lineMost = 78

// fill writes words in lines of at most lineMost bytes, unless a single word is longer.
func (p *Page) fill(text ...Text) {
	var line string
	for _, word := range strings.Fields(join(text)) {
		if line != "" && len(line)+1+len(word) > lineMost {
			p.line(line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	p.line(line)
}

func join(text []Text) string {
	var b strings.Builder
	for _, t := range text {
		b.WriteString(string(t))
	}
	return b.String()
}

// line writes a line of text. The zero-width character \& before a leading dot keeps roff from taking
// the line for a request.
func (p *Page) line(s string) {
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	p.b.WriteString(s + "\n")
}
