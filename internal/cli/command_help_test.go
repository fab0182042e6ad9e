// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// printed returns what a command line prints. It must succeed and print nothing to standard error.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := Main(args, &stdout, &stderr); code != exitDone || stderr.Len() != 0 {
		t.Errorf("%q: exit %d, stderr %q", args, code, &stderr)
	}
	return stdout.String()
}

func TestShortHelpFitsAScreen(t *testing.T) {
	const lines, columns = 50, 80
	text := printed(t, "-h")
	if n := strings.Count(text, "\n"); n > lines {
		t.Errorf("%d lines, want at most %d", n, lines)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if n := strings.Count(text, "\n  tracer "); n != shortExamples {
		t.Errorf("%d examples, want %d", n, shortExamples)
	}
	for _, c := range shownCommands() {
		if !strings.Contains(text, c.name) {
			t.Errorf("no command %s", c.name)
		}
	}
}

func TestEssentialsAreFlags(t *testing.T) {
	all := names(traceFlags())
	for _, group := range essentials {
		for _, name := range group.flags {
			if !slices.Contains(all, name) {
				t.Errorf("%s: --%s is no flag", group.heading, name)
			}
		}
	}
}

func TestWaysToHelp(t *testing.T) {
	for what, same := range map[string][][]string{
		"one screen":               {{"-h"}, {"help"}, {"icmp", "-h"}, {"--drop", "-h"}},
		"everything":               {{"--help"}, {"icmp", "--help"}},
		"the version":              {{"--version"}, {"version"}},
		"a command":                {{"help", "doctor"}, {"doctor", "--help"}, {"doctor", "-h"}, {"doctor", "--json", "-h"}},
		"a command without flags":  {{"help", "version"}, {"version", "-h"}, {"version", "x", "--help"}},
		"trace":                    {{"--help"}, {"help", "trace"}, {"trace", "--help"}, {"help", "all"}},
		"help of help":             {{"help", "help"}},
		"a flag":                   {{"help", "--filter-func"}, {"help", "filter-func"}, {"help", "-filter-func"}, {"help", "--filter-func=x"}},
		"a flag that is a command": {{"help", "--version"}, {"help", "-version"}},
		"the flag --help":          {{"help", "--help"}, {"help", "-h"}},
	} {
		want := printed(t, same[0]...)
		for _, args := range same[1:] {
			if diff := cmp.Diff(want, printed(t, args...)); diff != "" {
				t.Errorf("%s: %q differs from %q:\n%s", what, args, same[0], diff)
			}
		}
	}
	if printed(t, "-h") == printed(t, "--help") || printed(t, "help", "version") == printed(t, "help", "--version") ||
		printed(t, "help", "help") == printed(t, "help", "--help") {
		t.Error("two different kinds of help are equal")
	}
}

func TestHelpOfFlags(t *testing.T) {
	want := `--timestamp FORM

  Time FORM: none, current, relative, absolute.

  Default: none
  Values:  none, current, relative, absolute
  Related: --output-columns
  Group:   Output

Examples:
  tracer --filter-track-skb --timestamp relative host 10.0.0.1
        follow packets through NAT and tunnels, with the time between events
`
	if diff := cmp.Diff(want, printed(t, "help", "timestamp")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = "--json\n\n  Print one JSON object per line.\n\n  Default: false\n  Values:  true, false\n  Command: tracer doctor\n  Group:   Flags\n"
	if diff := cmp.Diff(want, printed(t, "help", "--json")); diff != "" {
		t.Errorf("a flag of a command (-want +got):\n%s", diff)
	}
	for name, line := range map[string]string{"drop": "Default: false", "vxlan-ports": "Default: 4789,4790,8472", "filter-mark": "Default: not set", "color": "Values:  auto, always, never", "buffer-size": "Default: 4M"} {
		if !strings.Contains(printed(t, "help", name), "  "+line+"\n") {
			t.Errorf("--%s: no line %q in\n%s", name, line, printed(t, "help", name))
		}
	}
}

// TestEveryFlagHasHelp checks that the help of each flag has its text, group and related flags, and
// fits the width.
func TestEveryFlagHasHelp(t *testing.T) {
	c := beginTrace(&options{})
	c.flags.VisitAll(func(f *pflag.Flag) {
		page := flagPage(c, f)
		_, usage := pflag.UnquoteUsage(f)
		if text := strings.Join(strings.Fields(page), " "); !strings.Contains(text, sentence(usage)) || !strings.Contains(text, "Related: --") || !strings.Contains(text, "Group: ") {
			t.Errorf("--%s: something is missing:\n%s", f.Name, page)
		}
		for line := range strings.Lines(page) {
			if utf8.RuneCountInString(line) > shortWidth+1 {
				t.Errorf("--%s: too wide: %q", f.Name, line)
			}
		}
	})
}

// TestHelpOfCommandsFits checks the width of the help of all commands but trace.
func TestHelpOfCommandsFits(t *testing.T) {
	for _, c := range shownCommands() {
		for line := range strings.Lines(c.defaultHelp()) {
			if c.name != traceName && utf8.RuneCountInString(line) > shortWidth+1 {
				t.Errorf("%s: too wide: %q", c.name, line)
			}
		}
	}
}

func TestRelationsAreOfFlags(t *testing.T) {
	all := names(traceFlags())
	for _, group := range relations {
		if len(group) < 2 {
			t.Errorf("%q is no relation", group)
		}
		for _, name := range group {
			if !slices.Contains(all, name) {
				t.Errorf("--%s, in %q, is no flag", name, group)
			}
		}
	}
	if want, got := []string{"filter-ifname", "output-netns-names", "netns-names-max-length"}, relatedTo("filter-netns"); !slices.Equal(want, got) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNoCommandBeginsAFilter checks that no keyword of filters is a command.
func TestNoCommandBeginsAFilter(t *testing.T) {
	for _, word := range keywords {
		if commandNamed(word.Text) != nil || isProgramWord(word.Text) {
			t.Errorf("%q is a keyword of filters, and a command or program", word.Text)
		}
	}
	for _, line := range []string{"host help", "host version and port 80", "src host tracer", "port 53 and host pwru"} {
		args := strings.Fields(line)
		if c, _, err := choose(args); c.name != traceName || err != nil {
			t.Errorf("%q calls %s (error %v), want a filter", line, c.name, err)
		}
		if o, err := parseTrace(args); err != nil || o.config.Expr != line {
			t.Errorf("%q: filter %q, error %v", line, o.config.Expr, err)
		}
	}
}

// TestUnprintableValuesAreLeftOut checks names of the running system, which others have chosen.
func TestUnprintableValuesAreLeftOut(t *testing.T) {
	attachOffers["backend"] = oneOf("good", "b\x1b[31mad", "\u202ebad", "4711")
	defer func() { attachOffers["backend"] = oneOf(backends...) }()
	c := beginTrace(&options{})
	if got := valuesText(c, c.flags.Lookup("backend")); got != "good" {
		t.Errorf("%q, want only printable values", got)
	}
}

func TestFill(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for line := range strings.Lines(fill(long, "    ")) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > shortWidth || !strings.HasPrefix(line, "    word") {
			t.Errorf("%q", line)
		}
	}
	if strings.Join(strings.Fields(fill(long, "")), " ")+" " != long {
		t.Error("words are missing")
	}
}
