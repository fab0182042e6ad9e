// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"tracer/internal/column"
	"tracer/internal/doctor"
	"tracer/internal/roff"

	"github.com/spf13/pflag"
)

// manPage makes the manual page from the same tables as the help.
func manPage() string {
	p := roff.New(roff.Title{Name: "tracer", Section: 8, Date: releaseDate(), Source: "tracer " + versionName()})
	for _, section := range []func(*roff.Page){
		manName, manSynopsis, manDescription, manCommands, manOptions, manColumns, manExamples, manExits, manFiles, manPrivileges, manSeeAlso,
	} {
		section(p)
	}
	return p.String()
}

func manName(p *roff.Page) {
	p.Section("name")
	p.Paragraph(roff.Plain("tracer - " + oneLine(gist)))
}

func manSynopsis(p *roff.Page) {
	p.Section("synopsis")
	p.Paragraph(roff.Bold("tracer"), roff.Plain(" ["), roff.Italic("flags"), roff.Plain("] ["), roff.Italic("pcap filter"), roff.Plain("]"))
	for _, c := range shownCommands() {
		p.Paragraph(called(&c))
	}
}

func called(c *command) roff.Text {
	text := roff.Bold("tracer " + c.name)
	if c.args != "" {
		text += roff.Plain(" ") + roff.Italic(c.args)
	}
	return text
}

func manDescription(p *roff.Page) {
	p.Section("description")
	p.Paragraph(roff.Plain(oneLine(sentence(gist))))
	p.Paragraph(roff.Plain(oneLine(filterWords)))
	p.Paragraph(roff.Plain("Events go to standard output: one line each below a header, or one JSON object each. " +
		"Messages go to standard error; the last one counts the events, printed and lost."))
}

func manCommands(p *roff.Page) {
	p.Section("commands")
	p.Paragraph(roff.Plain("A command is the first argument. To filter for a host of that name, write: host NAME"))
	for _, c := range shownCommands() {
		p.Item(called(&c), roff.Plain(c.help))
	}
	for _, c := range shownCommands() {
		if c.name != traceName {
			manCommandFlags(p, &c)
		}
	}
}

// manCommandFlags describes a command that has flags of its own.
func manCommandFlags(p *roff.Page, c *command) {
	topics := c.begin().topics
	if len(topics) == 0 {
		return
	}
	p.Subsection("tracer " + c.name)
	p.Paragraph(roff.Plain(c.details))
	for _, t := range topics {
		manFlags(p, t)
	}
}

func manFlags(p *roff.Page, t topic) {
	t.flags().VisitAll(func(f *pflag.Flag) { p.Item(manFlag(f), manUsage(f)...) })
}

func manOptions(p *roff.Page) {
	p.Section("options")
	p.Paragraph(roff.Plain("A value is written as --flag=VALUE or --flag VALUE. A flag without a value is turned off by --flag=false."))
	for _, t := range beginTrace(&options{}).topics {
		p.Subsection(t.name)
		manFlags(p, t)
	}
}

// manFlag returns the flag as it is typed.
func manFlag(f *pflag.Flag) roff.Text {
	text := roff.Bold("--" + f.Name)
	if value, _ := pflag.UnquoteUsage(f); value != "" {
		text += roff.Plain(" ") + roff.Italic(value)
	}
	return text
}

// manUsage sets the name of the value in italics. The declaration has it in back quotes.
func manUsage(f *pflag.Flag) []roff.Text {
	before, rest, _ := strings.Cut(oneLine(f.Usage), "`")
	value, after, _ := strings.Cut(rest, "`")
	if preset := defaultOf(f); preset != "" {
		after += fmt.Sprintf(" (default %s)", preset)
	}
	return []roff.Text{roff.Plain(before), roff.Italic(value), roff.Plain(after)}
}

func manColumns(p *roff.Page) {
	p.Section("output columns")
	p.Paragraph(roff.Plain(sentence(columnsNote)))
	for _, c := range column.All() {
		p.Item(manColumn(&c), roff.Plain(c.Help))
	}
}

func manColumn(c *column.Column) roff.Text {
	if c.Header == "" {
		return roff.Bold(c.Name)
	}
	return roff.Plain(c.Header+" ") + roff.Bold(c.Name)
}

func manExamples(p *roff.Page) {
	p.Section("examples")
	for _, e := range examples {
		p.Paragraph(roff.Plain(sentence(e.what)))
		p.Code(e.line)
	}
}

func manExits(p *roff.Page) {
	p.Section("exit status")
	for _, e := range exits {
		p.Item(roff.Bold(fmt.Sprint(e.code)), roff.Plain(e.meaning))
	}
}

// files are files of the system that tracer reads and a user may have to provide.
var files = []struct{ name, what string }{
	{"/sys/kernel/btf", "types of the kernel (required) and of its modules; --kernel-btf reads those of the kernel from another file"},
	{"/proc/kallsyms", "names and addresses of functions"},
	{"/proc/kcore", "kernel memory, to see which functions can be traced and to let filters read page fragments"},
	{"/sys/kernel/tracing", "functions that ftrace can trace; read only if /proc/kcore cannot be read"},
	{"/run/netns", "names of network namespaces, created by ip-netns(8)"},
}

func manFiles(p *roff.Page) {
	p.Section("files")
	for _, f := range files {
		p.Item(roff.Italic(f.name), roff.Plain(f.what))
	}
}

func manPrivileges(p *roff.Page) {
	p.Section("privileges")
	p.Paragraph(roff.Plain("Tracing needs root, or some of these capabilities. Once everything is attached, tracer drops every privilege it no longer needs. " +
		"Help, this page and completion need none."))
	for _, c := range doctor.Rights() {
		p.Item(roff.Bold(c.Name), roff.Plain(fmt.Sprintf("%s; without it: %s", c.For, c.Without)))
	}
}

func manSeeAlso(p *roff.Page) {
	p.Section("see also")
	var all []roff.Text
	for _, other := range []struct{ name, section string }{{"bpf", "2"}, {"cgroups", "7"}, {"ip-netns", "8"}, {"pcap-filter", "7"}, {"tcpdump", "8"}} {
		all = append(all, roff.Plain(", "), roff.Bold(other.name), roff.Plain("("+other.section+")"))
	}
	p.Paragraph(all[1:]...)
}

// oneLine joins the lines of a text.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", " ") }
