// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"mvdan.cc/sh/v3/shell"

	"tracer/docs"
)

// problem is a section of docs/problems.md.
type problem struct {
	title string
	runs  []shown
}

// shown is a command in the document, with the output that is shown below it.
type shown struct {
	args []string
	// columns are the names in the header.
	columns []string
	// rows are the lines to look for, in order: rows and lines below them. An ellipsis means omitted text.
	rows []string
}

// How lines below a row begin, and the rest of a line that is wrapped in the document.
const (
	wasLine, whyLine, fixLine = "was ", "why: ", "fix: "
	continuation              = "         "
)

// prompt is the prefix of a command line.
const prompt = "$ sudo tracer "

// problemsIn parses the document: each section with its code blocks that begin with a command.
func problemsIn(text string) (list []problem) {
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		p := problem{title: title}
		for i, block := range strings.Split(body, "\n```\n") {
			if line, found := strings.CutPrefix(block, prompt); found && i%2 == 1 {
				p.runs = append(p.runs, newShown(line))
			}
		}
		list = append(list, p)
	}
	return list
}

func newShown(block string) shown {
	lines := strings.Split(block, "\n")
	s := shown{args: words(lines[0])}
	if len(lines) < 2 {
		return s
	}
	s.columns = strings.Fields(strings.ToLower(lines[1]))
	for _, line := range unwrapped(lines[2:]) {
		if line = squeezed(line); line != "…" {
			s.rows = append(s.rows, line)
		}
	}
	return s
}

// unwrapped joins lines with their continuations.
func unwrapped(lines []string) (list []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, continuation) && len(list) > 0 {
			list[len(list)-1] += line
		} else {
			list = append(list, line)
		}
	}
	return list
}

// begins counts the lines that begin with a text.
func (s shown) begins(text string) (n int) {
	for _, row := range s.rows {
		if strings.HasPrefix(row, text) {
			n++
		}
	}
	return n
}

// words splits a command like a shell.
func words(line string) []string {
	list, err := shell.Fields(line, nil)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", line, err))
	}
	return list
}

// squeezed returns a line without the padding of its columns.
func squeezed(line string) string { return strings.Join(strings.Fields(line), " ") }

// elsewhere are alternatives, on other kernels or with other build options, to names of functions and reasons in the
// document, which are those of 6.12 on amd64.
var elsewhere = map[string]string{
	"neigh_invalidate":      "arp_error_report", // if the compiler does not inline it
	"__udp4_lib_rcv":        "udp_rcv",
	"udp_queue_rcv_one_skb": "__udp_queue_rcv_skb",
	"__dev_queue_xmit":      "__tcf_kfree_skb_list|kfree_skb_list(?:_reason)?",
	"nft_do_chain":          "nf_hook_slow",
	// Queueing disciplines have reasons of their own since 7.2.
	"SKB_DROP_REASON_QDISC_DROP": "QDISC_DROP_GENERIC",
	// The BTF of 5.10 on arm64 has no static functions.
	"__netif_receive_skb_one_core": "netif_rx",
}

// varying are the parts of a row that differ between runs, quoted for a regular expression.
var varying = []struct {
	is      *regexp.Regexp
	becomes string
}{
	// The compiler may have split the function (.cold, .part), and the function may be in a module.
	{regexp.MustCompile(`\\\+(?:0x[0-9a-f]+|…)`), `(?:\.\w+\.\d+)*\+0x[0-9a-f]+(?: \[\w+\])?`},
	{regexp.MustCompile(`…`), `.*`},
	{regexp.MustCompile(`took=[0-9][0-9a-zµ\\.]+`), `took=\S+`},
	{regexp.MustCompile(`(iif|inode|qlen|backlog|drops)=\d+`), `$1=\d+`},
	{regexp.MustCompile(`\b([a-z]+\d*):\d+ `), `$1:\d+ `}, // an interface or a process
	{regexp.MustCompile(`^\d+ `), `\d+ `},                 // a packet
	{regexp.MustCompile(`\\\[\d+\\\]`), `\[\d+\]`},        // a process
	{regexp.MustCompile(`BPF program \d+`), `BPF program \d+`},
	{regexp.MustCompile(`prog show id \d+`), `prog show id \d+`},
	// tracer notes the tables of all namespaces after its start, perhaps only after the drop.
	{regexp.MustCompile(`^why: nftables rule .*`), `${0}(?:; if the (?:table|rule) was not replaced since)?`},
	// The fill of a buffer depends on the sizes of structs. That of other things is exact.
	{regexp.MustCompile(`is full: \d+ B of (\d+)`), `is full: \d+ B of \d+`},
	{regexp.MustCompile(`in \d+ datagrams`), `in \d+ datagrams`},
}

// reporting describes how a kernel reports the reasons of drops.
type reporting struct {
	// reason returns the kernel's reason for a reason in the document. Both have parentheses; the argument is
	// quoted for a regular expression.
	reason func(quoted string) string
}

// reportingHere returns the reporting of this kernel.
func reportingHere() reporting { return reporting{reason: reasonGiven} }

// pattern returns a regular expression for a row of the document on a kernel.
func (k reporting) pattern(row string) *regexp.Regexp {
	text := regexp.QuoteMeta(row)
	text = reasonInRow.ReplaceAllStringFunc(text, func(s string) string { return regexp.QuoteMeta(k.reason(s)) })
	for name, other := range elsewhere {
		text = strings.ReplaceAll(text, name, "(?:"+name+"|"+other+")")
	}
	for _, v := range varying {
		text = v.is.ReplaceAllString(text, v.becomes)
	}
	if strings.HasPrefix(row, whyLine) {
		text += notes()
	}
	return regexp.MustCompile("^" + text + "$")
}

var (
	reasonInRow = regexp.MustCompile(`\\\(SKB_DROP_REASON_\w+\\\)`)
)

// reasonGiven returns this kernel's reason for a reason in the document, both in parentheses.
func reasonGiven(quoted string) string {
	name := strings.Trim(quoted, `\()`)
	switch {
	case !hasReasons():
		return ""
	case !knowsReason(name):
		return "(SKB_DROP_REASON_NOT_SPECIFIED)"
	}
	return "(" + name + ")"
}

func knowsReason(name string) bool {
	var enum *btf.Enum
	if err := types().TypeByName("skb_drop_reason", &enum); err != nil {
		return false
	}
	return slices.ContainsFunc(enum.Values, func(v btf.EnumValue) bool { return v.Name == name })
}

// expected is a line of the document to look for in the output of a run.
type expected struct {
	line    string
	pattern *regexp.Regexp
	// row is, for a line `why:`, the pattern of the row above it. count is that of the line that counts drops by the
	// cause, nil if the kernel can't tell it.
	row, count *regexp.Regexp
}

// expects returns the lines to look for on a kernel. causes are those of the lines `why:`, in order. A remedy is expected
// only if the kernel can tell the cause.
func (s shown) expects(on reporting, causes []told) (list []expected) {
	var row *regexp.Regexp
	tells := true
	for _, line := range s.rows {
		e := expected{line: line, pattern: on.pattern(line)}
		switch {
		case strings.HasPrefix(line, whyLine):
			e.row, tells = row, causes[0].known()
			if tells {
				e.count = countOf(e.pattern)
			} else {
				e.pattern = causes[0].orLess(e.pattern)
			}
			causes = causes[1:]
		case strings.HasPrefix(line, fixLine):
			if !tells {
				continue
			}
		case !strings.HasPrefix(line, wasLine):
			row = e.pattern
		}
		list = append(list, e)
	}
	return list
}

// countOf returns a regular expression for the line that counts drops by a cause, from that of its line `why:`.
func countOf(why *regexp.Regexp) *regexp.Regexp {
	text := strings.TrimSuffix(strings.TrimPrefix(why.String(), "^"+whyLine), "$")
	return regexp.MustCompile(`(?m)^  \d+ × [a-z0-9-]+: ` + text + `(?:  \(first: \S+\))?$`)
}

// netnsPrefix is what enters a network namespace before a command of a line `fix:`. The document shows the commands on the host
// itself.
var netnsPrefix = regexp.MustCompile(`\b(?:ip netns exec \S+|nsenter -t \d+ -n|nsenter --net=\S+) `)

// missingIn looks for the lines in the output, in the same order. It returns the first line that is missing and all after
// it.
func missingIn(output string, list []expected) (lines []string) {
	for line := range strings.Lines(output) {
		if len(list) > 0 && list[0].pattern.MatchString(netnsPrefix.ReplaceAllString(squeezed(line), "")) {
			list = list[1:]
		}
	}
	for _, e := range list {
		lines = append(lines, e.line)
	}
	return lines
}

// wrong returns the causes in the output that are below a row of the document, but are not its cause.
func wrong(output string, list []expected) (lines []string) {
	var row string
	for line := range strings.Lines(output) {
		below := strings.HasPrefix(line, "    ")
		line = squeezed(line)
		if !below {
			row = line
		}
		if strings.HasPrefix(line, whyLine) && !isExpected(row, line, list) {
			lines = append(lines, row+": "+line)
		}
	}
	return lines
}

// isExpected reports whether a cause is one of those that are expected below a row, or the row is not in the document.
func isExpected(row, cause string, list []expected) bool {
	known := false
	for _, e := range list {
		if e.row != nil && e.row.MatchString(row) {
			if known = true; e.pattern.MatchString(cause) {
				return true
			}
		}
	}
	return !known
}

// TestProblemsOfTheDocument checks that each problem of the document has a situation and vice versa, and a
// command with rows, and that the test knows the cause of each line `why:`.
func TestProblemsOfTheDocument(t *testing.T) {
	var titles []string
	for _, p := range problemsIn(docs.Problems) {
		titles = append(titles, p.title)
		p.checkCauses(t)
		if len(p.runs) == 0 {
			t.Errorf("problem %q: no block begins with %q", p.title, prompt)
		}
		for _, run := range p.runs {
			if len(run.rows) == 0 || len(run.columns) == 0 {
				t.Errorf("problem %q: command %q has no header or no rows", p.title, run.args)
			}
		}
	}
	slices.Sort(titles)
	if tested := slices.Sorted(maps.Keys(situations)); !slices.Equal(titles, tested) {
		t.Errorf("problems of the document:\n%s\nand those with a situation:\n%s", strings.Join(titles, "\n"), strings.Join(tested, "\n"))
	}
}

// checkCauses checks that the causes of the test are those of the lines `why:`, by the texts of the table, and that each
// has a line with the remedy.
func (p problem) checkCauses(t *testing.T) {
	t.Helper()
	causes := causesOf[p.title]
	for _, run := range p.runs {
		for i, line := range run.rows {
			if !strings.HasPrefix(line, whyLine) {
				continue
			}
			if len(causes) == 0 {
				t.Errorf("problem %q: the test has no cause for %q", p.title, line)
				return
			}
			if !causes[0].isTextOf(line) {
				t.Errorf("problem %q: %q is no text of %s", p.title, line, causes[0].causes)
			}
			if i+1 == len(run.rows) || !strings.HasPrefix(run.rows[i+1], fixLine) {
				t.Errorf("problem %q: no remedy after %q", p.title, line)
			}
			causes = causes[1:]
		}
	}
	if len(causes) > 0 {
		t.Errorf("problem %q: no line for %s", p.title, causes[0].causes)
	}
}

// TestLinesOfProblemsFit checks that lines in code blocks are at most 100 columns wide, to fit on terminals and in
// browsers.
func TestLinesOfProblemsFit(t *testing.T) {
	inBlock := false
	for i, line := range strings.Split(docs.Problems, "\n") {
		inBlock = inBlock != strings.HasPrefix(line, "```")
		if n := len([]rune(line)); inBlock && n > 100 {
			t.Errorf("docs/problems.md:%d: %d columns, want at most 100: %s", i+1, n, line)
		}
	}
}

// TestRowsOfProblems checks the comparison of the document's rows with the output of a run.
func TestRowsOfProblems(t *testing.T) {
	const (
		text = "## A\n\n```\n$ sudo tracer --drop 'udp and port 53' more\nIFACE  FUNC\nlan:2  tp:kfree_skb(SKB_DROP_REASON_NOT_SPECIFIED) at ip_error+0x1\n" +
			"    why: the socket of dns[12] is full: 10 B\n         of 20 B\n    fix: read\n…\n    ip_rcv+0x2\n```\n"
		real = "IFACE FUNC\nlan:17    tp:kfree_skb(SKB_DROP_REASON_NOT_SPECIFIED) at ip_error+0xff\n" +
			"    why: the socket of dns[7] is full: 15 B of 20 B\n    fix: read\n   x\n    ip_rcv+0x33\n"
	)
	modern := reporting{reason: func(quoted string) string { return strings.ReplaceAll(quoted, `\`, "") }}
	run := problemsIn("# T\n\n" + text)[0].runs[0]
	if got := fmt.Sprint(run.args, len(run.args), run.columns); got != "[--drop udp and port 53 more] 3 [iface func]" {
		t.Errorf("command %s", got)
	}
	for name, test := range map[string]struct {
		output      string
		left, wrong int
	}{
		"as printed":              {real, 0, 0},
		"another device":          {strings.ReplaceAll(real, "lan", "wan"), 4, 0},
		"another location":        {strings.ReplaceAll(real, "ip_error", "ip_rcv"), 4, 0},
		"another line of a stack": {strings.ReplaceAll(real, " ip_rcv", " ip6_rcv"), 1, 0},
		"another cause":           {strings.ReplaceAll(real, "dns", "web"), 3, 1},
		"no cause":                {strings.ReplaceAll(real, "why: ", "and: "), 3, 0},
		"an unknown cause":        {strings.ReplaceAll(real, "why: ", "why: unknown "), 3, 1},
		"another namespace":       {strings.ReplaceAll(real, "fix: read", "fix: ip netns exec lab-1 read"), 0, 0},
		"another remedy":          {strings.ReplaceAll(real, "fix: read", "fix: write"), 2, 0},
		"another cause, too":      {real + strings.ReplaceAll(real, "dns", "web"), 0, 1},
		"nothing":                 {"", 4, 0},
	} {
		list := run.expects(modern, []told{{}})
		if left := missingIn(test.output, list); len(left) != test.left {
			t.Errorf("%s: %d lines missing, want %d: %q", name, len(left), test.left, left)
		}
		if lines := wrong(test.output, list); len(lines) != test.wrong {
			t.Errorf("%s: %d wrong causes, want %d: %q", name, len(lines), test.wrong, lines)
		}
	}
}

// TestCausesOfOldKernels checks what is expected of a kernel that can't tell the cause: the cause as it is, one that it can
// tell, or none, but no other one.
func TestCausesOfOldKernels(t *testing.T) {
	run := shown{rows: []string{"wan tp:kfree_skb", whyLine + sampleOf("rp-filter-strict"), "fix: it"}}
	list := run.expects(reporting{reason: func(quoted string) string { return quoted }}, []told{
		{causes: []string{"rp-filter-strict"}, needs: needs{special: true}, otherwise: []string{"no-route"}},
	})
	for line, left := range map[string]int{
		run.rows[1]: 0, "why: unknown": 0, whyLine + sampleOf("no-route"): 0, whyLine + sampleOf("ttl"): 1, "fix: it": 1,
	} {
		if lines := missingIn("wan tp:kfree_skb\n    "+line+"\n", list); len(lines) != left {
			t.Errorf("%s: %d lines missing, want %d: %q", line, len(lines), left, lines)
		}
	}
}

// sampleOf returns the text of a cause with a value, without the parts that may be left out.
func sampleOf(id string) string {
	text := regexp.MustCompile(`\[\[.*?\]\]`).ReplaceAllString(causeTable()[id].Text, "")
	return regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(text, "7")
}
