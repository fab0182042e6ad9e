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
		"a flag":                        {"--back", "--backend"},
		"a flag behind the filter":      {"icmp --back", "--backend"},
		"a short flag":                  {"-h", "-h"},
		"a flag's value":                {"--backend t", "tracepoint"},
		"the same in one word":          {"--backend=t", "--backend=tracepoint"},
		"all values":                    {"--color ", "auto always never"},
		"a value that looks like flags": {"--backend --b", ""},
		"a switch":                      {"--output-json=", "--output-json=true --output-json=false"},
		"a switch has no second word":   {"--drop t", "tcp"},
		"the word behind a value":       {"--backend kprobe t", "tcp"},
		"the word behind a bad value":   {"--backend x t", "tcp"},
		"a list":                        {"--filter-trace-bpf tc,x", "tc,xdp"},
		"a flag that is not there":      {"--no-such=", ""},
		"what only users know":          {"--duration ", ""},
		"a command":                     {"comp", "completion"},
		"no command later":              {"icmp comp", ""},
		"no command behind a flag":      {"--drop comp", ""},
		"a command's word":              {"completion z", "zsh"},
		"a command has one word":        {"completion zsh z", ""},
		"a command without words":       {"man ", ""},
		"a command's flag":              {"help --back", "--backend"},
		"the same without dashes":       {"help back", "backend"},
		"a command's command":           {"help doc", "doctor"},
		"help of help":                  {"help help", "help help"},
		"version has no words":          {"version ", ""},
		"the filter":                    {"host lo or po", "port portrange"},
		"the filter behind --":          {"-- po", "port portrange"},
		"no flags behind --":            {"-- --back", ""},
		"a column of both":              {"--output-columns cp", "cpu"},
		"no column of JSON":             {"--output-columns module", ""},
		"a column of JSON":              {"--output-json --output-columns module", "module"},
		"a namespace's ways":            {"--filter-netns=ino", "--filter-netns=inode:"},
		"pwru's":                        {"--set-percpu-buf ", ""},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(test.want, texts(candidates(strings.Split(test.typed, " ")))); diff != "" {
				t.Errorf("%q (-want +got):\n%s", test.typed, diff)
			}
		})
	}
}

func TestCandidatesInQuotes(t *testing.T) {
	for typed, want := range map[string]string{"tcp and (sr": "tcp and (src", "tcp and portr": "tcp and portrange", "": "help doctor man completion version"} {
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

// TestWhatIsTypedCountsForTheRest has the interfaces looked for in a namespace that is not
// there.
func TestWhatIsTypedCountsForTheRest(t *testing.T) {
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

func TestLinesAreOfPrintableWords(t *testing.T) {
	for text, want := range map[string]bool{"ip_rcv": true, "my process": true, "größe": true, "": true, "a\tb": false, "a\nb": false, "\x1b[31m": false, "\u202e": false} {
		if got := isPrintable(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestCompleteNeedsItsWords(t *testing.T) {
	for _, args := range [][]string{nil, {"--back"}} {
		var usage *usageError
		if err := runComplete(args, &bytes.Buffer{}, nil); !errors.As(err, &usage) {
			t.Errorf("%q: error %v, want one about usage", args, err)
		}
	}
}

// BenchmarkCandidates is how long a user waits behind a key.
func BenchmarkCandidates(b *testing.B) {
	for _, typed := range []string{"--", "--filter-func ", "--filter-non-skb-funcs tcp_", "--filter-drop-reason ", "--filter-pid ", "--filter-ifname "} {
		b.Run(strings.TrimSpace(typed), func(b *testing.B) {
			for b.Loop() {
				candidates(strings.Split(typed, " "))
			}
		})
	}
}
