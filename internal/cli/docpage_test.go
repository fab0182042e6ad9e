// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docPage is one document: its fenced blocks, and the text between them.
type docPage struct {
	name   string
	blocks [][]string
	prose  string
}

// docPages returns all Markdown files at the root and in docs.
func docPages(t *testing.T) (pages []docPage) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 10 {
		t.Fatalf("only %d documents", len(files))
	}
	for _, file := range files {
		pages = append(pages, newDocPage(strings.TrimPrefix(file, "../../"), read(t, file)))
	}
	return pages
}

func newDocPage(name, text string) docPage {
	p := docPage{name: name}
	inBlock := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			if inBlock = !inBlock; inBlock {
				p.blocks = append(p.blocks, nil)
			}
		case inBlock:
			last := len(p.blocks) - 1
			p.blocks[last] = append(p.blocks[last], line)
		default:
			p.prose += line + "\n"
		}
	}
	return p
}

var inlineCode = regexp.MustCompile("`([^`\n]+)`")

// inline returns the inline code of the prose. Tables escape | as \|.
func (p docPage) inline() (code []string) {
	for _, match := range inlineCode.FindAllStringSubmatch(p.prose, -1) {
		code = append(code, strings.ReplaceAll(match[1], `\|`, "|"))
	}
	return code
}

// shown is a command in a fenced block and the output below it.
type shown struct {
	page, command string
	output        []string
}

// startsTracer matches the beginning of a line that runs tracer, directly or indirectly.
var startsTracer = regexp.MustCompile(`^(\$ )?(sudo )?(\./|/usr/local/bin/)?(tracer|setpriv|systemd-run|docker run|contrib/tracer-on-k8s|ExecStart=\S*tracer) `)

func (p docPage) commands() (all []shown) {
	for _, block := range p.blocks {
		all = append(all, commandsOf(p.name, block)...)
	}
	return all
}

// commandsOf finds the commands of a block. A line that ends in a backslash continues.
func commandsOf(page string, block []string) (all []shown) {
	continued := false
	for _, line := range block {
		switch {
		case continued:
			all[len(all)-1].command += "\n" + line
		case startsTracer.MatchString(line):
			all = append(all, shown{page: page, command: strings.TrimPrefix(line, "$ ")})
		case len(all) > 0:
			all[len(all)-1].output = append(all[len(all)-1].output, line)
		}
		continued = len(all) > 0 && len(all[len(all)-1].output) == 0 && strings.HasSuffix(line, `\`)
	}
	return all
}

func TestCommandsOfABlock(t *testing.T) {
	page := newDocPage("x.md", "Run `tracer a\\|b`:\n```\n$ sudo tracer --x \\\n\ty\ntracer: no\nhint: z\n$ tracer icmp\n0xff tracer\n```\nend\n")
	want := []shown{
		{"x.md", "sudo tracer --x \\\n\ty", []string{"tracer: no", "hint: z"}},
		{"x.md", "tracer icmp", []string{"0xff tracer"}},
	}
	got := page.commands()
	if !slices.EqualFunc(want, got, func(a, b shown) bool { return a.command == b.command && slices.Equal(a.output, b.output) }) {
		t.Errorf("%q, want %q", got, want)
	}
	if code := page.inline(); !slices.Equal(code, []string{"tracer a|b"}) {
		t.Errorf("inline code %q", code)
	}
}
