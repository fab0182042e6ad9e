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

// TestExamplesOfTheDocs parses every command line of the documents and plans what it would
// attach. An example that shows an error has to end in that error.
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

// ofTheMachine are errors that an example shows and that not every machine has.
const ofTheMachine = "does not run here"

// failure is the error that the example shows.
func (s shown) failure() (text string, fails bool) {
	if len(s.output) == 0 || strings.Contains(s.output[0], ofTheMachine) {
		return "", false
	}
	return s.output[0], strings.HasPrefix(s.output[0], "tracer: ")
}

// rehearse does all that comes before attaching. What only this kernel lacks is no error,
// and names that not every machine has are replaced unless they are asked for as they are.
func rehearse(args []string, asTyped bool) error {
	if c := commandOf(args); c != nil {
		return rehearseCommand(c, args[1:])
	}
	o, err := parse(args)
	if err != nil || o.help || o.version {
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
	if c.name == "doctor" { // its verdict is this machine's
		return nil
	}
	return c.run(args, io.Discard, io.Discard)
}

// standIn puts what every machine has in the place of names and numbers that examples use.
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

// replace leaves a ! in front of a word where it is.
func replace(list []string, with func(string) string) {
	for i, word := range list {
		bare, negated := strings.CutPrefix(word, "!")
		list[i] = with(bare)
		if negated {
			list[i] = "!" + list[i]
		}
	}
}

// lacking is what errors about this machine have in them: no kprobes, no such module, no types
// of a module, no BPF program.
var lacking = regexp.MustCompile(`with the tracepoint backend|` + ofTheMachine +
	`|kernel module ".*" is not loaded|no struct "nf_conn"|no BPF program that handles packets is loaded`)

func ofThisKernel(err error) bool {
	var noMatch *plan.NoMatchError
	return err != nil && (errors.As(err, &noMatch) || lacking.MatchString(err.Error()) || exitCode(err) != exitUsage)
}

// tracerCalls are the arguments of each call of tracer in a line of the shell.
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

// wordsOf removes quotes. Variables are empty, and so is the output of other commands.
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

// argsOfTracer finds tracer behind what it is run by: sudo, a container's image, the script
// for Kubernetes.
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

// TestDryRunOfTheDocs: what the docs show of a dry run is what is printed, from where the
// kernel has no part in it.
func TestDryRunOfTheDocs(t *testing.T) {
	const command = "sudo tracer --dry-run icmp"
	var out bytes.Buffer
	if code := Main(strings.Fields(command)[2:], &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	begin := "ring buffer"
	if !strings.Contains(out.String(), begin) { // which only who is privileged gets to see
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

// TestFlagsInTheDocsExist: code in the text that begins as a flag is one, if not of tracer
// then of a program that the page is about. docs/flags.md is made from the flags.
func TestFlagsInTheDocsExist(t *testing.T) {
	there := names(allFlags(&options{}))
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

// flagsOfOthers are those of programs other than tracer, by page.
var flagsOfOthers = map[string]string{
	"docs/kubernetes.md":      "node all-nodes image output namespace timeout context kubeconfig",
	"docs/privileges.md":      "security-opt",
	"docs/troubleshooting.md": "pid",
	"docs/pwru.md": "filter-src-ip filter-dst-ip filter-src-port filter-dst-port filter-port filter-proto filter-pcap " +
		"filter-tunnel-pcap filter-trace-only-bpf output-relative-timestamp per-cpu-buffer",
}

// TestCommandsInTheDocsExist parses commands in the text.
func TestCommandsInTheDocsExist(t *testing.T) {
	for _, page := range docPages(t) {
		for _, code := range page.inline() {
			if !strings.HasPrefix(code, "tracer ") && !strings.HasPrefix(code, "sudo tracer ") {
				continue
			}
			for _, args := range tracerCalls(t, code) {
				if _, err := parse(args); err != nil && commandOf(args) == nil {
					t.Errorf("%s: `%s`: %v", page.name, code, err)
				}
			}
		}
	}
}
