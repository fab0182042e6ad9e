// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const docsPath = "../../docs/drops.md"

// TestDocs checks that docs/drops.md is the table.
func TestDocs(t *testing.T) {
	want := documentation(t)
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s differs from the table of causes, -update writes it (-want +got):\n%s", docsPath, diff)
	}
}

const docsHead = `# Causes of drops

Made from the table in ` + "`internal/explain`" + ` by its test with -update; do not edit.

Each cause has a stable identifier, a text with the values that the kernel had when it decided, and what to do. A cause is
shown only if all its values could be read and its condition holds; otherwise the cause is unknown. "Where" has the drop
reasons and the functions that free the packet (NOT_SPECIFIED stands for all drops on kernels without reasons, before 5.17), or the decision
after which the packet ends without a drop. Functions may be inlined into others that are listed, too. "Not on" has the
kernels of the tests on which the cause is unknown, since they lack the reason, a function or a member of a struct. Kernels before 5.11
have no BTF of modules. *Special* marks causes that need more than reads and a condition. A *note* is
added to the text of a cause. The causes at the end of a section are not implemented, for the reason
given there.

`

func documentation(t *testing.T) string {
	table := load(t)
	kernels, missing := readKernels(t)
	var b strings.Builder
	b.WriteString(docsHead)
	for _, f := range families {
		fmt.Fprintf(&b, "## %s (`%s`)\n\n| Cause | Where | Why | What to do | Not on |\n| --- | --- | --- | --- | --- |\n", f.title, f.name)
		var untold []string
		for _, c := range table.causes {
			switch {
			case c.Family != f.name:
			case table.isTold(c):
				b.WriteString(row(table, c, kernels, missing))
			default:
				untold = append(untold, fmt.Sprintf("- `%s` (%s): %s.\n", c.ID, plain(c.Text), c.Untold))
			}
		}
		if len(untold) > 0 {
			b.WriteString("\nNot implemented:\n\n" + strings.Join(untold, ""))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func row(table *Table, c *compiled, kernels []string, missing map[string][]string) string {
	limits := append([]string{notOn(table, c, kernels, missing)}, c.Limits)
	limits = slices.DeleteFunc(limits, func(s string) bool { return s == "" })
	id := "`" + c.ID + "`"
	if c.Special != "" {
		id += " *special*"
	}
	if c.Benign {
		id += " (normal)"
	}
	why := plain(c.Text)
	if c.When != "" {
		why += "<br>if `" + strings.ReplaceAll(c.When, "|", "\\|") + "`"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", id, place(c), why, strings.ReplaceAll(plain(c.Remedy), "|", "\\|"), strings.Join(limits, "; "))
}

// plain returns a text for Markdown: values in italics, optional parts in square brackets.
func plain(text string) string {
	return strings.NewReplacer("[[", "[", "]]", "]", "{", "*", "}", "*", "<", "&lt;").Replace(text)
}

func place(c *compiled) string {
	switch {
	case c.Note:
		return "note, at any drop"
	case c.Silent != "":
		return "`" + c.Silent + "`: no drop"
	}
	reasons, functions := c.at()
	text := ""
	if len(reasons) > 0 {
		text = strings.Join(reasons, ", ")
	}
	if len(functions) > 0 {
		text += " at " + strings.Join(functions, ", ")
	}
	return strings.TrimSpace(text)
}

// notOn returns the kernels on which the cause is unknown, as in 6.1, 6.12 arm64.
func notOn(table *Table, c *compiled, kernels []string, missing map[string][]string) string {
	var series []string
	for _, kernel := range kernels {
		lacks := func(key string) bool { return slices.Contains(missing[key], kernel) }
		if !canTell(table, c, lacks) {
			series = append(series, short(kernel))
		}
	}
	return strings.Join(bothArchitectures(series), ", ")
}

func canTell(table *Table, c *compiled, lacks func(string) bool) bool {
	reasons, functions := c.at()
	hasReason := len(reasons) == 0 || slices.ContainsFunc(reasons, func(r string) bool { return !lacks("reason/" + r) })
	if lacks("reason/" + Unspecified) { // a kernel without reasons
		hasReason = len(functions) > 0 && (len(reasons) == 0 || slices.Contains(reasons, Unspecified))
	}
	if c.Site != "" && !hasReason {
		return false
	}
	keys := c.needed()
	if c.Silent != "" {
		keys = append(keys, c.Silent+".@keep")
	}
	return !slices.ContainsFunc(keys, func(key string) bool { return isMissing(table, c, key, lacks) })
}

func isMissing(table *Table, c *compiled, key string, lacks func(string) bool) bool {
	name, value, isDecision := strings.Cut(key, ".")
	if !isDecision {
		return lacks(c.Site + "/" + key)
	}
	d := table.Decision(name)
	noFunction := func(f string) bool { return lacks(name + "/" + f + "()") }
	isAbsent := len(d.Functions) > 0 && !slices.ContainsFunc(d.Functions, func(f string) bool { return !noFunction(f) })
	return isAbsent && d.Special == "" || lacks(name+"/"+value) || lacks(name+"/@counters")
}

// short returns the series and the architecture: 6.12 amd64.
func short(kernel string) string {
	version, rest, _ := strings.Cut(kernel, "-")
	parts := strings.SplitN(version, ".", 3)
	return parts[0] + "." + parts[1] + " " + rest[strings.LastIndex(rest, "-")+1:]
}

// bothArchitectures leaves out the architecture where all architectures of a series are listed.
func bothArchitectures(list []string) []string {
	var out []string
	for _, name := range list {
		series, arch, _ := strings.Cut(name, " ")
		switch {
		case !slices.Contains(list, series+" amd64") || !slices.Contains(list, series+" arm64"):
			out = append(out, name)
		case arch == "amd64":
			out = append(out, series)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return compareVersions(a, b) })
	return out
}

// compareVersions compares the numbers: 6.1 is older than 6.12, and 5.10 older than 6.1.
func compareVersions(a, b string) int {
	var x, y [2]int
	fmt.Sscanf(a, "%d.%d", &x[0], &x[1])
	fmt.Sscanf(b, "%d.%d", &y[0], &y[1])
	return slices.Compare(x[:], y[:])
}
