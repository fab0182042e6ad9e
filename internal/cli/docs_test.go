// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite docs/flags.md")

const flagsPage = "../../docs/flags.md"

// TestFlagsPage compares docs/flags.md with the declarations of the flags.
func TestFlagsPage(t *testing.T) {
	page := read(t, flagsPage)
	head, _, found := strings.Cut(page, "\n## ")
	if !found {
		t.Fatalf("%s has no table", flagsPage)
	}
	want := head + flagTables()
	if *update {
		if err := os.WriteFile(flagsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("%s is stale, run go test ./internal/cli -run TestFlagsPage -update (-want +got):\n%s", flagsPage, diff)
	}
}

func flagTables() string {
	var b strings.Builder
	for _, c := range shownCommands() {
		for _, topic := range c.begin().topics {
			b.WriteString(flagTable(topicHeading(&c, topic), topic))
		}
	}
	b.WriteString(foreignTable())
	return b.String()
}

// topicHeading names the command, unless it is the default.
func topicHeading(c *command, t topic) string {
	if c.name == traceName {
		return t.name
	}
	return t.name + " of tracer " + c.name
}

func flagTable(heading string, t topic) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| Flag | Value | Default | What it does |\n| --- | --- | --- | --- |\n", heading)
	t.flags().VisitAll(func(f *pflag.Flag) { b.WriteString(flagRow(f)) })
	return b.String()
}

// foreignTable lists the answers to flags of other programs.
func foreignTable() string {
	var b strings.Builder
	b.WriteString("\n## Flags of other programs\n\nThese are not accepted; the error says what to type instead.\n\n| Flag | Of | Here |\n| --- | --- | --- |\n")
	for i := range foreigners {
		f := &foreigners[i]
		value := f.value
		if f.only != nil {
			value = strings.Join(f.only, "|")
		}
		typed := code(strings.TrimSpace(strings.Join(f.names, ", ") + " " + value))
		fmt.Fprintf(&b, "| %s | %s | %s |\n", typed, f.program, cell(foreignCell(f, value)))
	}
	return b.String()
}

func foreignCell(f *foreign, value string) string {
	switch {
	case f.filter != "":
		return "the filter `" + f.term(value) + "`"
	case f.flags == "":
		return f.why
	case f.why == "":
		return "`" + strings.Join(f.ours(value), " ") + "`"
	}
	return "`" + strings.Join(f.ours(value), " ") + "`: " + f.why
}

func flagRow(f *pflag.Flag) string {
	name := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	value, usage := pflag.UnquoteUsage(f)
	return fmt.Sprintf("| %s | %s | %s | %s |\n", name, code(value), code(defaultOf(f)), cell(usage))
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

// cell escapes text for a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

func TestFlagRowEscapes(t *testing.T) {
	f := &pflag.Flag{Name: "x", Shorthand: "y", Usage: "one of `a|b`\nor c|d", DefValue: "a|b"}
	if want, got := "| `-y`, `--x` | `a\\|b` | `a\\|b` | one of a\\|b or c\\|d |\n", flagRow(f); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
