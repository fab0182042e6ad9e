// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os/exec"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"tracer/internal/column"

	"github.com/spf13/pflag"
)

// TestManPageIsCleanRoff checks the page with mandoc and groff.
func TestManPageIsCleanRoff(t *testing.T) {
	defer func(d string) { date = d }(date)
	date = "2006-01-02"
	for _, command := range [][]string{{"mandoc", "-T", "lint"}, {"groff", "-man", "-ww", "-z", "-T", "utf8"}} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin = strings.NewReader(manPage())
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

var overstrike = regexp.MustCompile(`.\x08`)

// printedMan returns the rendered page on one line.
func printedMan(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("mandoc", "-T", "utf8", "-O", "width=500")
	cmd.Stdin = strings.NewReader(manPage())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(overstrike.ReplaceAllString(string(out), "")), " ")
}

func TestManPageHasEverything(t *testing.T) {
	page := printedMan(t)
	for what, texts := range manContents() {
		for _, text := range texts {
			if text = strings.Join(strings.Fields(text), " "); !strings.Contains(page, text) {
				t.Errorf("no %s %q in the page", what, text)
			}
		}
	}
}

func manContents() map[string][]string {
	all := map[string][]string{"section": {
		"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "OUTPUT COLUMNS", "EXAMPLES", "EXIT STATUS", "FILES", "PRIVILEGES", "SEE ALSO",
	}}
	allFlags().VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		all["flag"] = append(all["flag"], strings.ReplaceAll("--"+f.Name+" "+value+" "+usage, "…", "..."))
	})
	for _, topic := range beginTrace(&options{}).topics {
		all["topic"] = append(all["topic"], topic.name)
	}
	for _, c := range column.All() {
		all["column"] = append(all["column"], c.Header+" "+c.Name+" "+c.Help)
	}
	for _, e := range examples {
		all["example"] = append(all["example"], sentence(e.what)+" "+e.line)
	}
	for _, c := range shownCommands() {
		all["command"] = append(all["command"], "tracer "+c.usage()+" "+c.help)
	}
	return all
}

// TestManPageHidesCommands checks the source of the page.
func TestManPageHidesCommands(t *testing.T) {
	for _, c := range commands() {
		if c.hidden && strings.Contains(manPage(), "tracer "+c.name) {
			t.Errorf("%q is hidden, and in the page", c.name)
		}
	}
}

func TestDefaultsAreInTheManPage(t *testing.T) {
	for _, want := range []string{"length (default true)", "in MiB (default 100)", "(default none)"} {
		if !strings.Contains(printedMan(t), want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

func TestDateOf(t *testing.T) {
	for want, settings := range map[string][]debug.BuildSetting{
		"":           {{Key: "vcs.revision", Value: "0T1"}},
		"2006-01-02": {{Key: "vcs", Value: "git"}, {Key: "vcs.time", Value: "2006-01-02T15:04:05Z"}},
	} {
		if got := dateOf(settings); got != want {
			t.Errorf("%v: %q, want %q", settings, got, want)
		}
	}
}
