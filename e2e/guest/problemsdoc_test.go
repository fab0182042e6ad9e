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
	// rows are the rows to look for, in order. An ellipsis means omitted text.
	rows []string
}

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
	for _, line := range lines[2:] {
		if line = squeezed(line); line != "…" {
			s.rows = append(s.rows, line)
		}
	}
	return s
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

// elsewhere are alternatives, on other kernels or with other build options, to function names in the
// document, which are those of 6.12 on amd64.
var elsewhere = map[string]string{
	"neigh_invalidate":      "arp_error_report", // if the compiler does not inline it
	"__udp4_lib_rcv":        "udp_rcv",
	"udp_queue_rcv_one_skb": "__udp_queue_rcv_skb",
	"__dev_queue_xmit":      "__tcf_kfree_skb_list|kfree_skb_list(?:_reason)?",
	"nft_do_chain":          "nf_hook_slow",
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

// patterns returns regular expressions for the rows on a kernel.
func (s shown) patterns(on reporting) (list []*regexp.Regexp) {
	for _, row := range s.rows {
		list = append(list, on.pattern(row))
	}
	return list
}

// missing looks for the rows in the output, in the same order. It returns the first row that is missing and all after
// it.
func (s shown) missing(output string, patterns []*regexp.Regexp) []string {
	found := 0
	for line := range strings.Lines(output) {
		if found < len(patterns) && patterns[found].MatchString(squeezed(line)) {
			found++
		}
	}
	return s.rows[found:]
}

// TestProblemsOfTheDocument checks that each problem of the document has a situation and vice versa, and a
// command with rows.
func TestProblemsOfTheDocument(t *testing.T) {
	var titles []string
	for _, p := range problemsIn(docs.Problems) {
		titles = append(titles, p.title)
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
		text = "## A\n\n```\n$ sudo tracer --drop 'udp and port 53' more\nIFACE  FUNC\nlan:2  tp:kfree_skb(SKB_DROP_REASON_NOT_SPECIFIED) at ip_error+0x1\n…\n    ip_rcv+0x2\n```\n"
		real = "IFACE FUNC\nlan:17    tp:kfree_skb(SKB_DROP_REASON_NOT_SPECIFIED) at ip_error+0xff\n   x\n    ip_rcv+0x33\n"
	)
	modern := reporting{reason: func(quoted string) string { return strings.ReplaceAll(quoted, `\`, "") }}
	run := problemsIn("# T\n\n" + text)[0].runs[0]
	if got := fmt.Sprint(run.args, len(run.args), run.columns); got != "[--drop udp and port 53 more] 3 [iface func]" {
		t.Errorf("command %s", got)
	}
	for name, test := range map[string]struct {
		output string
		left   int
	}{
		"as printed":              {real, 0},
		"another device":          {strings.ReplaceAll(real, "lan", "wan"), 2},
		"another location":        {strings.ReplaceAll(real, "ip_error", "ip_rcv"), 2},
		"another line of a stack": {strings.ReplaceAll(real, " ip_rcv", " ip6_rcv"), 1},
		"nothing":                 {"", 2},
	} {
		if left := run.missing(test.output, run.patterns(modern)); len(left) != test.left {
			t.Errorf("%s: %d rows missing, want %d: %q", name, len(left), test.left, left)
		}
	}
}
