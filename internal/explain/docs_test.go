// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"os"
	"regexp"
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

Each cause has a stable identifier, a text, and what to do. A cause is shown only if its condition holds and all its values are
known; otherwise the cause is unknown. The columns:

- **Cause**: the identifier, with marks (see below).
- **Where**: the drop reasons, and the functions that free the packet or into which these may be inlined. NOT_SPECIFIED also stands for
  all drops on kernels without reasons (before 5.17). For a packet that ends without a drop: the decision after which it ends.
- **Why**: the text. Words in italics are values, at the time of the kernel's decision or of the drop. A part in brackets is left out if
  one of its values is unknown, or if the formula at its beginning (if ...:) does not hold. Below it is the condition. A key with a dot,
  such as way.table, is a value of a decision of the kernel before the drop, and known(...) asks whether that value is known.
- **What to do**: commands and facts. An unknown value is shown as a word in capital letters.
- **Not on**: the kernels of the tests (%s) on which the cause is unknown, and what each lacks: drop reasons, the types of
  a function (which may be in a module; kernels before 5.11 have no types of modules), or something else. After them, in which cases the
  cause is unknown or less exact on the other kernels. The tests provoke causes on these kernels, and accept an unknown cause only
  where this page says so.

The marks:

- *calls*: needs the values of calls before the drop, which the backend ` + "`tracepoint`" + ` does not keep. *calls before 6.11*: only on
  kernels whose drop tracepoint does not have the socket.
- *variables*: needs variables of the kernel, whose addresses not every kernel shows (CONFIG_KALLSYMS_ALL).
- *special*: needs code of its own, besides values and a condition.
- (normal): happens on a healthy network.

An entry whose place is "note, at any drop" is no cause: its text is added to that of any cause. The causes at the end of a section are
not implemented, for the reason given there.

`

func documentation(t *testing.T) string {
	table := load(t)
	kernels, missing := readKernels(t)
	var b strings.Builder
	fmt.Fprintf(&b, docsHead, strings.Join(seriesOf(kernels), ", "))
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
	b.WriteString(placesWithoutCause())
	return strings.TrimRight(b.String(), "\n") + "\n"
}

const placesHead = `## Places without a cause

The cause of these packets is unknown, or they end without a row: the kernel gives neither a reason nor values by which tracer could be
certain.

| Where | What ends there | Why there is no cause |
| --- | --- | --- |
`

// placesWithoutCause is the section about Places. Its rows do not begin with a quote like those of causes, which the tests in the
// machines look for.
func placesWithoutCause() string {
	var b strings.Builder
	b.WriteString(placesHead)
	for _, p := range Places {
		fmt.Fprintf(&b, "| at `%s` | %s | %s |\n", strings.Join(p.Functions, "`, `"), plain(p.What), plain(p.Why))
	}
	return b.String()
}

// TestPlaces checks that each place is complete, and that causes which its text names exist.
func TestPlaces(t *testing.T) {
	table := load(t)
	for _, p := range Places {
		if len(p.Functions) == 0 || p.What == "" || p.Why == "" {
			t.Errorf("the place %+v is not complete", p)
		}
		if id, named := afterSee(p.Why); named && !slices.ContainsFunc(table.causes, func(c *compiled) bool { return c.ID == id }) {
			t.Errorf("the place %s names a cause %q, which does not exist", p.Functions[0], id)
		}
	}
}

var seeCause = regexp.MustCompile(`see ([a-z0-9]+(?:-[a-z0-9]+)+)`)

func afterSee(text string) (id string, named bool) {
	m := seeCause.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func row(table *Table, c *compiled, kernels []string, missing map[string][]string) string {
	limits := append(notOn(table, c, kernels, missing), c.Limits)
	limits = slices.DeleteFunc(limits, func(s string) bool { return s == "" })
	why := strings.ReplaceAll(plain(c.Text), "|", "\\|")
	if c.When != "" {
		why += "<br>if `" + strings.ReplaceAll(c.When, "|", "\\|") + "`"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", mark(table, c), whereOf(c), why, strings.ReplaceAll(plain(withPlaceholders(c.Remedy)), "|", "\\|"), strings.Join(limits, "<br>"))
}

// mark returns the identifier of a cause with its marks.
func mark(table *Table, c *compiled) string {
	id := "`" + c.ID + "`"
	id += needsCalls(table, c)
	if needsVariables(table, c) {
		id += " *variables*"
	}
	if c.Special != "" {
		id += " *special*"
	}
	if c.Benign {
		id += " (normal)"
	}
	return id
}

// needsCalls returns the mark of a cause that needs values of decisions, on all kernels or on those whose drop tracepoint
// does not have the socket, or "".
func needsCalls(table *Table, c *compiled) string {
	if c.Silent != "" {
		return " *calls*"
	}
	mark := ""
	for _, key := range c.needed() {
		name, _, isDecision := strings.Cut(key, ".")
		switch {
		case isDecision && !table.Decision(name).AtDrop:
			return " *calls*"
		case isDecision:
			mark = " *calls before 6.11*"
		}
	}
	return mark
}

var symbol = regexp.MustCompile(`\b(` + strings.Join(symbolNames(), "|") + `)\b`)

func symbolNames() (names []string) {
	for _, s := range Symbols {
		names = append(names, s.Name)
	}
	return names
}

// needsVariables reports whether a cause needs a value that is always read with a variable of the kernel. Counters are
// found with __per_cpu_offset.
func needsVariables(table *Table, c *compiled) bool {
	return slices.ContainsFunc(c.needed(), func(key string) bool {
		name, value, isDecision := strings.Cut(key, ".")
		if !isDecision {
			return c.site != nil && isReadWithVariable(c.site.Reads, key)
		}
		d := table.Decision(name)
		return d.Counters != nil || symbol.MatchString(d.Keep) || isReadWithVariable(d.Reads, value)
	})
}

func isReadWithVariable(reads []Read, key string) bool {
	i := slices.IndexFunc(reads, func(r Read) bool { return r.Key == key })
	if i < 0 || len(reads[i].Variants) == 0 {
		return false
	}
	return !slices.ContainsFunc(reads[i].Variants, func(texts []string) bool { return !symbol.MatchString(strings.Join(texts, " ")) })
}

// plain returns a text for Markdown: values in italics, optional parts in square brackets.
func plain(text string) string {
	return strings.NewReplacer("[[", "[", "]]", "]", "{", "*", "}", "*", "<", "&lt;").Replace(text)
}

// withPlaceholders returns a remedy whose commands have words in capital letters for values, as in manual pages.
func withPlaceholders(remedy string) string {
	parts := strings.Split(remedy, "`")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = valueInCommand.ReplaceAllStringFunc(strings.TrimPrefix(parts[i], "@"), func(key string) string {
			return strings.ToUpper(strings.Trim(key[strings.LastIndex(key, ".")+1:], "{}"))
		})
	}
	return strings.Join(parts, "`")
}

var valueInCommand = regexp.MustCompile(`\{[a-z0-9_.]+\}`)

func whereOf(c *compiled) string {
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

// notOn returns the kernels on which the cause is unknown, each with the reason.
func notOn(table *Table, c *compiled, kernels []string, missing map[string][]string) []string {
	var reasons []string
	by := map[string][]string{}
	for _, kernel := range kernels {
		why := cannotTell(table, c, short(kernel), func(key string) bool { return slices.Contains(missing[key], kernel) })
		if why != "" && by[why] == nil {
			reasons = append(reasons, why)
		}
		by[why] = append(by[why], short(kernel))
	}
	var lines []string
	for _, why := range reasons {
		lines = append(lines, "**"+strings.Join(bothArchitectures(by[why]), ", ")+"**: "+plain(why))
	}
	return lines
}

// cannotTell returns why a kernel cannot tell a cause, or "".
func cannotTell(table *Table, c *compiled, kernel string, lacks func(string) bool) string {
	if why := typesLack(table, c, lacks); why != "" {
		return why
	}
	for _, e := range exceptions(table, c) {
		if slices.ContainsFunc(e.Kernels, func(name string) bool { return isKernel(name, kernel) }) {
			return e.Why
		}
	}
	return ""
}

// exceptions returns those of a cause and of the decisions that it needs.
func exceptions(table *Table, c *compiled) []Exception {
	list := slices.Clone(c.NotOn)
	names := []string{c.Silent}
	for _, key := range c.needed() {
		name, _, _ := strings.Cut(key, ".")
		names = append(names, name)
	}
	for _, name := range names {
		if d := table.Decision(name); d != nil {
			list = append(list, d.NotOn...)
		}
	}
	return list
}

// isKernel reports whether a series, or a series and an architecture, is a kernel's.
func isKernel(name, kernel string) bool {
	series, _, _ := strings.Cut(kernel, " ")
	return name == series || name == kernel
}

// typesLack returns what the types of a kernel lack for a cause, or "".
func typesLack(table *Table, c *compiled, lacks func(string) bool) string {
	reasons, functions := c.at()
	isLacking := !slices.ContainsFunc(reasons, func(r string) bool { return !lacks("reason/" + r) })
	switch {
	case c.Site == "":
	case lacks("reason/" + Unspecified): // a kernel without reasons
		if len(functions) == 0 || len(reasons) > 0 && !slices.Contains(reasons, Unspecified) {
			return "no drop reasons"
		}
	case len(reasons) > 0 && isLacking:
		return "no reason " + strings.Join(reasons, " or ")
	}
	keys := c.needed()
	if c.Silent != "" {
		keys = append(keys, c.Silent+".@keep")
	}
	if onlyUnspecified(reasons, lacks) && strings.Contains(c.When, specified) {
		keys = append(keys, c.mentioned()...)
	}
	for _, key := range keys {
		if lack := typesLackKey(table, c, key, lacks); lack != "" {
			return lack
		}
	}
	return ""
}

// onlyUnspecified reports whether a kernel has none of some reasons, except for drops without one.
func onlyUnspecified(reasons []string, lacks func(string) bool) bool {
	return !slices.ContainsFunc(reasons, func(r string) bool { return r != Unspecified && !lacks("reason/"+r) })
}

func typesLackKey(table *Table, c *compiled, key string, lacks func(string) bool) string {
	name, value, isDecision := strings.Cut(key, ".")
	if !isDecision {
		return lackedValue(key, lacks(c.Site+"/"+key))
	}
	d := table.Decision(name)
	hasOne := slices.ContainsFunc(d.Functions, func(f string) bool { return !lacks(name + "/" + f + "()") })
	if len(d.Functions) > 0 && !hasOne && d.Special == "" {
		return "no types of " + some(d.Functions)
	}
	return lackedValue(key, lacks(name+"/"+value) || lacks(name+"/@keep") || lacks(name+"/@counters"))
}

func lackedValue(key string, isLacking bool) string {
	if isLacking {
		return "no types for the value " + key
	}
	return ""
}

// some names the first functions of a list.
func some(functions []string) string {
	if len(functions) > 2 {
		return functions[0] + " and the like"
	}
	return strings.Join(functions, " or ")
}

// TestExceptions checks that exceptions name kernels of the tests, whose types do not lack something for the cause anyway.
func TestExceptions(t *testing.T) {
	table := load(t)
	kernels, missing := readKernels(t)
	for _, c := range table.causes {
		for _, e := range exceptions(table, c) {
			for _, name := range e.Kernels {
				if !slices.ContainsFunc(kernels, func(kernel string) bool { return isKernel(name, short(kernel)) }) {
					t.Errorf("%s: no machine of the tests has the kernel %q", c.ID, name)
				}
			}
		}
		for _, kernel := range kernels {
			lack := typesLack(table, c, func(key string) bool { return slices.Contains(missing[key], kernel) })
			isExcepted := slices.ContainsFunc(c.NotOn, func(e Exception) bool {
				return slices.ContainsFunc(e.Kernels, func(name string) bool { return isKernel(name, short(kernel)) })
			})
			if isExcepted && lack != "" {
				t.Errorf("%s: the exception for %s is needless: %s", c.ID, short(kernel), lack)
			}
		}
	}
}

// seriesOf returns the series of kernels, oldest first.
func seriesOf(kernels []string) []string {
	var list []string
	for _, kernel := range kernels {
		series, _, _ := strings.Cut(short(kernel), " ")
		list = append(list, series)
	}
	slices.SortFunc(list, compareVersions)
	return slices.Compact(list)
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
