// SPDX-License-Identifier: Apache-2.0

// Package roff writes manual pages with the macros of man(7), which every roff has.
package roff

import (
	"fmt"
	"strings"
)

// Page is a manual page that is being written.
type Page struct {
	b strings.Builder
	// headed is right below a heading, where a paragraph begins by itself.
	headed bool
}

// Title is what the first and last line of a page say.
type Title struct {
	Name    string
	Section int
	// Date is as in 2006-01-02. Without one the page has none, of which linters warn.
	Date string
	// Source is what the page belongs to, such as a release.
	Source string
}

// New begins a page. Words are neither hyphenated nor spread: what is copied from the page
// is to be what was written.
func New(t Title) *Page {
	p := &Page{}
	p.macro("TH", escape(strings.ToUpper(t.Name)), fmt.Sprint(t.Section), t.Date, escape(t.Source))
	p.macro("nh")
	p.macro("ad", "l")
	return p
}

// String is the page in roff.
func (p *Page) String() string { return p.b.String() }

// Section begins a section, whose name is in capitals.
func (p *Page) Section(name string) { p.heading("SH", strings.ToUpper(name)) }

// Subsection begins a part of a section.
func (p *Page) Subsection(name string) { p.heading("SS", name) }

func (p *Page) heading(macro, name string) {
	p.macro(macro, escape(name))
	p.headed = true
}

// Paragraph is words that are filled to the width of the window.
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

// Item is a tag and, indented, what it means.
func (p *Page) Item(tag Text, meaning ...Text) {
	p.headed = false
	p.macro("TP")
	p.line(string(tag))
	p.fill(meaning...)
}

// Code is lines that stay as they are.
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

// macro is a request or macro with its arguments, quoted where they are empty or have spaces.
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

// lineMost is where lines of the source are broken, for those who read that.
const lineMost = 78

// fill writes words, as many on a line as have room.
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

// line writes a line of text. A dot that it begins with would make it a request, if not
// for the mark of no width before it.
func (p *Page) line(s string) {
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	p.b.WriteString(s + "\n")
}
