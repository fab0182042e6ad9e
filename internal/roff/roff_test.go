// SPDX-License-Identifier: Apache-2.0

package roff

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// overstrike matches the first half of bold and underlined characters in a terminal.
var overstrike = regexp.MustCompile(`.\x08`)

// render returns a function that renders a page with the program, in a very wide window.
func render(t *testing.T, program string, args ...string) func(p *Page) string {
	return func(p *Page) string {
		t.Helper()
		var stdout, stderr strings.Builder
		cmd := exec.Command(program, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(p.String()), &stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Fatalf("%s: %v\n%s\n%s", program, err, &stderr, p)
		}
		return overstrike.ReplaceAllString(stdout.String(), "")
	}
}

func renderers(t *testing.T) map[string]func(p *Page) string {
	return map[string]func(p *Page) string{
		"mandoc": render(t, "mandoc", "-T", "utf8", "-O", "width=900"),
		"groff":  render(t, "groff", "-man", "-ww", "-T", "utf8", "-P", "-c", "-P", "-bou", "-rLL=900n"),
	}
}

// awkward are texts with characters that roff interprets.
var awkward = []string{
	`.PP is a macro`, `.`, `..`, `'br is one too`, `a \fBback\fR \n(.g slash\`, `--long-flag -s`, `it's 'quoted' and "this" too`,
	"`back quotes`", `a^b~c`, `100% of $1`, `tcp[tcpflags] & tcp-syn != 0`, `skb->dev é 日本 ‐`, `\" no comment`, `\&`, `.\" .`, `@rx|@nf`, `\(aq`,
	strings.Repeat(`. ' \e `, 40) + `end`,
}

func TestTextIsRenderedLiterally(t *testing.T) {
	for name, render := range renderers(t) {
		for _, text := range awkward {
			p := New(Title{Name: "x", Section: 8})
			p.Section("s")
			p.Paragraph(Plain(text))
			p.Paragraph(Bold(text), Plain(" "), Italic(text))
			p.Item(Plain(text), Plain(text))
			p.Code(text)
			want := strings.Join(strings.Fields(strings.Repeat(text+" ", 6)), " ")
			if got := strings.Join(strings.Fields(render(p)), " "); !strings.Contains(got, " S "+want+" ") {
				t.Errorf("%s: %q became %q", name, want, got)
			}
		}
	}
}

func TestHeadingsAndTitle(t *testing.T) {
	p := New(Title{Name: "x-y", Section: 8, Date: "2006-01-02", Source: `x "1" \o/`})
	p.Section("see also")
	p.Subsection("one's own")
	p.Paragraph(Plain("text"))
	for name, render := range renderers(t) {
		got := render(p)
		for _, want := range []string{"X-Y(8)", "2006", `x "1" \o/`, "SEE ALSO", "one's own"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in %q", name, want, got)
			}
		}
	}
}

func TestCodeKeepsItsLines(t *testing.T) {
	p := New(Title{Name: "x", Section: 8})
	p.Code("first  line\n\n\tsecond\n.third\n")
	for name, render := range renderers(t) {
		got := render(p)
		for _, want := range []string{"first  line\n", ".third\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in %q", name, want, got)
			}
		}
	}
}

func TestSourceLinesAreShort(t *testing.T) {
	p := New(Title{Name: "x", Section: 8})
	p.Paragraph(Plain(strings.Repeat("some words ", 100)))
	for line := range strings.Lines(p.String()) {
		if len(line) > lineMost+1 {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
}

func TestParagraphBelowHeadingHasNoMacro(t *testing.T) {
	p := New(Title{Name: "x", Section: 8})
	p.Section("s")
	p.Paragraph(Plain("one"))
	p.Paragraph(Plain("two"))
	if want := ".SH S\none\n.PP\ntwo\n"; !strings.HasSuffix(p.String(), want) {
		t.Errorf("%q, want it to end with %q", p, want)
	}
}
