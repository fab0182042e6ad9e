// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tracer/internal/complete"

	"github.com/google/go-cmp/cmp"
)

func TestCandidates(t *testing.T) {
	for what, test := range map[string]struct{ typed, want string }{
		"a flag":                         {"--back", "--backend"},
		"a flag after the filter":        {"icmp --back", "--backend"},
		"a short flag":                   {"-h", "-h"},
		"a flag's value":                 {"--backend t", "tracepoint"},
		"the same in one word":           {"--backend=t", "--backend=tracepoint"},
		"all values":                     {"--color ", "auto always never"},
		"a value like a flag":            {"--backend --b", ""},
		"a switch":                       {"--output-json=", "--output-json=true --output-json=false"},
		"a switch takes no next word":    {"--drop t", "tcp"},
		"the word after a value":         {"--backend kprobe t", "tcp"},
		"the word after a bad value":     {"--backend x t", "tcp"},
		"a list":                         {"--filter-trace-bpf tc,x", "tc,xdp"},
		"an unknown flag":                {"--no-such=", ""},
		"a value only users know":        {"--duration ", ""},
		"a command":                      {"comp", "completion"},
		"no command after the filter":    {"icmp comp", ""},
		"no command after a flag":        {"--drop comp", ""},
		"an argument of a command":       {"completion z", "zsh"},
		"a command with one argument":    {"completion zsh z", ""},
		"a command without arguments":    {"man ", ""},
		"a flag of a command":            {"doctor --js", "--json"},
		"all flags of a command":         {"doctor --", "--json --help"},
		"doctor has no arguments":        {"doctor ", ""},
		"a flag of trace":                {"trace --back", "--backend"},
		"the filter of trace":            {"trace po", "port portrange"},
		"no command after trace":         {"trace comp", ""},
		"help of a flag":                 {"help --back", "--backend"},
		"help of a command's flag":       {"help js", "json"},
		"the same without dashes":        {"help back", "backend"},
		"help of a command":              {"help doc", "doctor"},
		"help of help":                   {"help help", "help help"},
		"version has no arguments":       {"version ", ""},
		"the filter":                     {"host lo or po", "port portrange"},
		"the filter after --":            {"-- po", "port portrange"},
		"no flags after --":              {"-- --back", ""},
		"a column of text and JSON":      {"--output-columns cp", "cpu"},
		"a column of JSON only, in text": {"--output-columns module", ""},
		"a column of JSON only":          {"--output-json --output-columns module", "module"},
		"forms of a namespace":           {"--filter-netns=ino", "--filter-netns=inode:"},
		"a flag of pwru":                 {"--set-percpu-buf ", ""},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(test.want, texts(candidates(strings.Split(test.typed, " ")))); diff != "" {
				t.Errorf("%q (-want +got):\n%s", test.typed, diff)
			}
		})
	}
}

func TestCandidatesInQuotes(t *testing.T) {
	for typed, want := range map[string]string{"tcp and (sr": "tcp and (src", "tcp and portr": "tcp and portrange", "": strings.Join(commandNames(), " ")} {
		if got := texts(candidates([]string{typed})); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want it to begin with %q", typed, got, want)
		}
	}
	if got, want := texts(candidates([]string{"--filter-tunnel-pcap-l3", "host x and portr"})), "host x and portrange"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFilesAreLeftToTheShell(t *testing.T) {
	for _, typed := range []string{"--output-file ", "--output-file=./x", "--kernel-btf /s", "--ready-file=", "--filter-netns /proc/"} {
		got := candidates(strings.Split(typed, " "))
		if diff := cmp.Diff([]complete.Word{{Help: "files"}}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", typed, diff)
		}
	}
}

// TestCompletionUsesEarlierFlags completes interfaces, also of a namespace that does not exist.
func TestCompletionUsesEarlierFlags(t *testing.T) {
	for typed, want := range map[string]string{
		"--filter-ifname l":                            "lo",
		"--filter-netns !none-such --filter-ifname l":  "lo",
		"--filter-netns none-such --filter-ifname l":   "",
		"--filter-netns=none-such --filter-ifname=l":   "",
		"--filter-netns pid:self --filter-ifname !l":   "",
		"--filter-ifname !l":                           "!lo",
		"--filter-ifname=lo,l":                         "",
		"--filter-netns /proc/self/ns/net icmp po":     "port portrange",
		"--filter-netns /proc/self/ns/net --filter-if": "--filter-ifname",
	} {
		if got := texts(candidates(strings.Split(typed, " "))); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestIsPrintable(t *testing.T) {
	for text, want := range map[string]bool{"ip_rcv": true, "my process": true, "größe": true, "": true, "a\tb": false, "a\nb": false, "\x1b[31m": false, "\u202e": false} {
		if got := isPrintable(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestCompleteNeedsACommandLine(t *testing.T) {
	for _, args := range [][]string{nil, {"--back"}} {
		var usage *usageError
		if err := runComplete(t.Context(), args, streams{out: &bytes.Buffer{}}); !errors.As(err, &usage) {
			t.Errorf("%q: error %v, want one about usage", args, err)
		}
	}
}

// BenchmarkCandidates measures how long a user waits after a tab.
func BenchmarkCandidates(b *testing.B) {
	for _, typed := range []string{"--", "--filter-func ", "--filter-non-skb-funcs tcp_", "--filter-drop-reason ", "--filter-pid ", "--filter-ifname "} {
		b.Run(strings.TrimSpace(typed), func(b *testing.B) {
			for b.Loop() {
				candidates(strings.Split(typed, " "))
			}
		})
	}
}
