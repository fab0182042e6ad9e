// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/app"
	"tracer/internal/plan"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// TestExamplesOfTheDocs parses every tracer command in the fenced blocks of the documents and
// plans it, as --dry-run does. An example that shows an error must fail with that error.
func TestExamplesOfTheDocs(t *testing.T) {
	planned := map[string]bool{}
	for _, page := range docPages(t) {
		for _, example := range page.commands() {
			for _, args := range tracerCalls(t, example.command) {
				if key := fmt.Sprintf("%q", args); !planned[key] {
					planned[key] = true
					example.check(t, args)
				}
			}
		}
	}
	if len(planned) < 50 {
		t.Errorf("only %d examples were found", len(planned))
	}
}

func (s shown) check(t *testing.T, args []string) {
	t.Helper()
	want, fails := s.failure()
	err := rehearse(args, fails)
	if fails {
		if err == nil || want != "tracer: "+err.Error() {
			t.Errorf("%s: %s\n\tshows %s\n\tends in %v", s.page, s.command, want, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %s\n\t%v\n\thint: %s", s.page, s.command, err, hintOf(err))
	}
}

// ofTheMachine marks errors in examples that do not occur on every machine.
const ofTheMachine = "does not run here"

// failure returns the error that the example shows.
func (s shown) failure() (text string, fails bool) {
	if len(s.output) == 0 || strings.Contains(s.output[0], ofTheMachine) {
		return "", false
	}
	return s.output[0], strings.HasPrefix(s.output[0], "tracer: ")
}

// rehearse does everything that comes before attaching. It ignores errors about features that
// this machine lacks. Unless asTyped is set, it replaces names that exist only in the example.
func rehearse(args []string, asTyped bool) error {
	c, args, err := choose(args)
	switch {
	case err != nil:
		return err
	case c.name != traceName:
		return rehearseCommand(c, args)
	}
	o := &options{}
	call := beginTrace(o)
	if err := call.parse(args); err != nil || call.help || o.version {
		return err
	}
	o.config.Stdout, o.config.Stderr, o.config.DryRun = io.Discard, io.Discard, true
	if !asTyped {
		standIn(&o.config)
	}
	if err := app.Run(context.Background(), o.config); !ofThisKernel(err) {
		return err
	}
	return nil
}

func rehearseCommand(c *command, args []string) error {
	if c.name == "doctor" { // its result depends on the machine
		return c.begin().parse(args)
	}
	return c.begin().start(args, streams{io.Discard, io.Discard})
}

// standIn replaces names and numbers of examples with ones that exist on every machine.
func standIn(c *app.Config) {
	self := strconv.Itoa(os.Getpid())
	replace(c.Netns, func(word string) string {
		if strings.HasPrefix(word, "inode:") {
			return word
		}
		return "pid:" + self
	})
	replace(c.Ifnames, func(word string) string {
		if strings.HasSuffix(word, "*") {
			return word
		}
		return "lo"
	})
	replace(c.Owners.PIDs, func(string) string { return self })
	c.Owners.Cgroups = nil // not every machine has cgroup2
}

// replace changes the words of a list and keeps a leading !.
func replace(list []string, with func(string) string) {
	for i, word := range list {
		bare, negated := strings.CutPrefix(word, "!")
		list[i] = with(bare)
		if negated {
			list[i] = "!" + list[i]
		}
	}
}

// lacking matches errors about features that this machine lacks: kprobes, a module, its types,
// a loaded BPF program.
var lacking = regexp.MustCompile(`with the tracepoint backend|` + ofTheMachine +
	`|no struct "nf_conn"|no BPF program that handles packets is loaded`)

func ofThisKernel(err error) bool {
	var noMatch *plan.NoMatchError
	return err != nil && (errors.As(err, &noMatch) || lacking.MatchString(err.Error()) || exitCode(err) != exitUsage)
}

// tracerCalls returns the arguments of each tracer command in a shell command line.
func tracerCalls(t *testing.T, line string) (calls [][]string) {
	t.Helper()
	line = strings.TrimPrefix(line, "ExecStart=")
	file, err := syntax.NewParser().Parse(strings.NewReader(line), "")
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok {
			if args, found := argsOfTracer(wordsOf(t, call)); found {
				calls = append(calls, args)
			}
		}
		return true
	})
	return calls
}

// wordsOf expands the words of a command. Variables and substitutions expand to nothing.
func wordsOf(t *testing.T, call *syntax.CallExpr) []string {
	t.Helper()
	words, err := expand.Fields(&expand.Config{
		Env:       expand.ListEnviron(),
		CmdSubst:  func(io.Writer, *syntax.CmdSubst) error { return nil },
		ProcSubst: func(*syntax.ProcSubst) (string, error) { return "", nil },
	}, call.Args...)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// argsOfTracer finds the arguments of tracer in a command that may start it indirectly: with
// sudo, from a container image, or with the script for Kubernetes.
func argsOfTracer(words []string) (args []string, found bool) {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "sudo" })
	if len(words) == 0 {
		return nil, false
	}
	if path.Base(words[0]) == "tracer" {
		return words[1:], true
	}
	for i, word := range words {
		if name, _, _ := strings.Cut(path.Base(word), ":"); i > 0 && (word == "--" || name == "tracer" || strings.HasPrefix(word, "ghcr.io/")) {
			return words[i+1:], true
		}
	}
	return nil, false
}

func TestTracerIsFoundInALine(t *testing.T) {
	for line, want := range map[string]string{
		`sudo ./tracer --drop 'udp and port 9'  # all`:                   `[["--drop" "udp and port 9"]]`,
		`tracer man | man -l -`:                                          `[["man"]]`,
		"docker run --rm \\\n -v /a:/b tracer:1 icmp":                    `[["icmp"]]`,
		`contrib/tracer-on-k8s --node w -- --filter-func x 'tcp or udp'`: `[["--filter-func" "x" "tcp or udp"]]`,
		`source <(tracer completion bash)`:                               `[["completion" "bash"]]`,
		`ls tracers`:                                                     `[]`,
	} {
		if got := fmt.Sprintf("%q", tracerCalls(t, line)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// TestDryRunOfTheDocs compares the output of a dry run in the documents with the real one,
// starting at the first line that does not depend on the kernel.
func TestDryRunOfTheDocs(t *testing.T) {
	const command = "sudo tracer --dry-run icmp"
	var out bytes.Buffer
	if code := Main(strings.Fields(command)[2:], &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	begin := "ring buffer"
	if !strings.Contains(out.String(), begin) { // without privileges there is no plan
		begin = "filter"
	}
	_, want, _ := strings.Cut(out.String(), begin)
	count := 0
	for _, page := range docPages(t) {
		for _, example := range page.commands() {
			if example.command != command {
				continue
			}
			count++
			if _, got, _ := strings.Cut(strings.Join(example.output, "\n")+"\n", begin); got != want {
				t.Errorf("%s shows\n%s\nand what is printed is\n%s", example.page, got, want)
			}
		}
	}
	if count == 0 {
		t.Errorf("no document shows %q", command)
	}
}

var codeOfFlag = regexp.MustCompile(`^--[a-z][a-z0-9-]*`)

// TestFlagsInTheDocsExist checks each flag in inline code: it must be a flag of tracer, or of
// another program that the page describes. docs/flags.md is generated from the flags.
func TestFlagsInTheDocsExist(t *testing.T) {
	there := names(allFlags())
	for _, page := range docPages(t) {
		if "../../"+page.name == flagsPage {
			continue
		}
		known := append(slices.Clone(there), strings.Fields(flagsOfOthers[page.name])...)
		for _, code := range page.inline() {
			if flag := codeOfFlag.FindString(code); flag != "" && !slices.Contains(known, flag[2:]) {
				t.Errorf("%s: `%s`: there is no such flag", page.name, code)
			}
		}
	}
}

// flagsOfOthers are flags of other programs, by page.
var flagsOfOthers = map[string]string{
	"docs/kubernetes.md":      "node all-nodes image output namespace timeout context kubeconfig",
	"docs/privileges.md":      "security-opt",
	"docs/troubleshooting.md": "pid",
	"docs/pwru.md": "filter-src-ip filter-dst-ip filter-src-port filter-dst-port filter-port filter-proto filter-pcap " +
		"filter-tunnel-pcap filter-trace-only-bpf output-relative-timestamp per-cpu-buffer",
}

// TestCommandsInTheDocsExist parses the tracer commands in inline code.
func TestCommandsInTheDocsExist(t *testing.T) {
	for _, page := range docPages(t) {
		for _, code := range page.inline() {
			if !strings.HasPrefix(code, "tracer ") && !strings.HasPrefix(code, "sudo tracer ") {
				continue
			}
			for _, args := range tracerCalls(t, code) {
				c, rest, err := choose(args)
				if err == nil {
					err = c.begin().parse(rest)
				}
				if err != nil {
					t.Errorf("%s: `%s`: %v", page.name, code, err)
				}
			}
		}
	}
}
