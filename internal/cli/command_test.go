// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// chosen returns the name of the command that the arguments call, and its arguments.
func chosen(args ...string) (string, []string) {
	c, rest, _ := choose(args) // the error is about programs' names, which have their own test
	return c.name, rest
}

func TestFirstArgumentIsTheCommand(t *testing.T) {
	for line, want := range map[string]string{
		"": "trace", "icmp": "trace icmp", "host man": "trace host man", "--debug man": "trace --debug man", "manual": "trace manual",
		"-- man": "trace -- man", "man x": "man x", "trace": "trace", "trace icmp": "trace icmp", "trace man": "trace man", "complete -- x": "complete -- x",
	} {
		name, rest := chosen(strings.Fields(line)...)
		if got := strings.Join(append([]string{name}, rest...), " "); got != want {
			t.Errorf("%q calls %q, want %q", line, got, want)
		}
	}
}

func TestCommandsAreComplete(t *testing.T) {
	var names []string
	for _, c := range commands() {
		if c.name == "" || slices.Contains(names, c.name) || c.begin().run == nil || c.help == "" && !c.hidden {
			t.Errorf("%q: no name, or twice in the table, or nothing to run, or no help", c.name)
		}
		names = append(names, c.name)
	}
}

// TestCallsShareNothing checks that flags write to the settings of one call.
func TestCallsShareNothing(t *testing.T) {
	for _, c := range shownCommands() {
		changed, other := c.begin(), c.begin()
		changed.flags.VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" && f.DefValue == "false" {
				if err := f.Value.Set("true"); err != nil {
					t.Fatal(err)
				}
			}
		})
		other.flags.VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" && f.Value.String() != f.DefValue {
				t.Errorf("%s: --%s of one call changes another", c.name, f.Name)
			}
		})
	}
}

// TestTraceIsTheDefault checks that `tracer trace` takes the same arguments as tracer.
func TestTraceIsTheDefault(t *testing.T) {
	for _, line := range []string{"-h", "--help", "--version", "icmp --help"} {
		args := strings.Fields(line)
		if printed(t, args...) != printed(t, append([]string{"trace"}, args...)...) {
			t.Errorf("%q prints something else after trace", line)
		}
	}
	for line, want := range refused {
		var stdout, stderr bytes.Buffer
		code := Main(append([]string{"trace"}, strings.Fields(line)...), &stdout, &stderr)
		if want = strings.ReplaceAll(want, "4096", pageSize()); code != exitUsage || stderr.String() != want {
			t.Errorf("trace %q: exit %d, stderr %q; want exit %d and %q", line, code, &stderr, exitUsage, want)
		}
	}
}

// sample is a command with flags of its own and a file as its argument.
type sample struct {
	json   bool
	reason string
	// ran are the arguments of the run, ctx is its context.
	ran []string
	ctx context.Context
}

func (s *sample) command() *command {
	return &command{name: "sample", args: "FILE", help: "print a sample", details: "It is printed.", call: s.call}
}

func (s *sample) call() *call {
	declare := func(fs *pflag.FlagSet) {
		jsonFlag(fs, &s.json, "json")
		fs.StringVar(&s.reason, "reason", "", "print only this `REASON`")
	}
	return &call{
		topics:    []topic{{"Flags", declare, offers{"reason": oneOf("NONE", "SOME")}}},
		arguments: inOrder(aFile),
		run: func(ctx context.Context, args []string, _ streams) error {
			s.ran, s.ctx = args, ctx
			return nil
		},
	}
}

func (s *sample) start(line string) (stdout, text string) {
	var out, errs bytes.Buffer
	c := s.command()
	if err := c.begin().start(strings.Fields(line), streams{&out, io.Discard}); err != nil {
		report(&errs, err, false)
	}
	return out.String(), errs.String()
}

func TestCommandWithFlags(t *testing.T) {
	s := &sample{}
	if _, errs := s.start("a --json --reason=NONE"); errs != "" || !s.json || s.reason != "NONE" || !slices.Equal(s.ran, []string{"a"}) || s.ctx == nil {
		t.Errorf("%+v, error %q", s, errs)
	}
	help := "Usage: tracer sample FILE\n\nPrint a sample.\nIt is printed.\n\nFlags:\n" +
		"  --json            print one JSON object per line\n  --reason REASON   print only this REASON\n"
	for _, line := range []string{"-h", "--help", "x --json --help"} {
		if out, errs := s.start(line); out != help || errs != "" {
			t.Errorf("%q: %q, error %q; want %q", line, out, errs, help)
		}
	}
}

// TestContextOfCommands checks that signals cancel the context of the commands that declare it.
func TestContextOfCommands(t *testing.T) {
	for _, stops := range []bool{false, true} {
		s := &sample{}
		c := s.command()
		c.interruptible = stops
		if err := c.begin().start(nil, streams{io.Discard, io.Discard}); err != nil {
			t.Fatal(err)
		}
		if got := s.ctx.Done() != nil; got != stops {
			t.Errorf("interruptible %v: the context can be cancelled: %v", stops, got)
		}
	}
	for _, name := range []string{"trace", "doctor"} {
		if !commandNamed(name).interruptible {
			t.Errorf("%s does not stop cleanly at a signal", name)
		}
	}
}

func TestErrorsOfCommandsWithFlags(t *testing.T) {
	for line, want := range map[string]string{
		"--jsno":      "tracer: unknown flag \"--jsno\"\nhint: did you mean --json?\n",
		"-i eth0":     "tracer: unknown flag \"-i\"\nhint: `tracer help sample` lists the flags\n",
		"--qqqq":      "tracer: unknown flag \"--qqqq\"\nhint: `tracer help sample` lists the flags\n",
		"--json=x":    "tracer: --json \"x\": not true or false\nhint: see `tracer help json`\n",
		"--reason":    "tracer: --reason: value missing\nhint: see `tracer help reason`\n",
		"--reason= x": "tracer: --reason \"\": empty value\nhint: see `tracer help reason`\n",
		"--doctor":    "tracer: unknown flag \"--doctor\"\nhint: it is a command: tracer doctor [--json]\n",
	} {
		s := &sample{}
		if out, errs := s.start(line); errs != want || out != "" || s.ran != nil {
			t.Errorf("%q: error %q, want %q; ran with %q", line, errs, want, s.ran)
		}
	}
}

func TestCompletionOfCommandsWithFlags(t *testing.T) {
	for line, want := range map[string]string{
		"--js": "--json", "--reason ": "NONE SOME", "--reason=S": "--reason=SOME", "--json=t": "--json=true", "--he": "--help", "-h": "-h",
		"-- --js": "", "a b": "", "--reason NONE a b": "",
	} {
		words := strings.Split(line, " ")
		l := &typedLine{call: (&sample{}).command().begin()}
		for _, word := range words[:len(words)-1] {
			l.read(word)
		}
		last := words[len(words)-1]
		if got := texts(beginning(last, l.candidates(last))); strings.TrimSpace(got) != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	l := &typedLine{call: (&sample{}).command().begin()}
	l.read("--json")
	if words := l.candidates("x"); len(words) != 1 || words[0].Text != "" {
		t.Errorf("%v, want files from the shell", words)
	}
}
