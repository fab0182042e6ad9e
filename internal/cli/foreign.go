// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"
)

// foreign is a flag of another program that users type out of habit, and what to type instead.
type foreign struct {
	// program is the one with the flag; empty if many programs have it, or if it resembles one of ours.
	program string
	// names are as typed. An entry -n is also for -nn, unless there is an entry -nn.
	names []string
	// value names the flag's value in help; empty for a switch.
	value string
	// only are the values that the entry is for; nil for all.
	only []string
	// flags are ours to type instead, filter is what to add to the pcap filter, both with valueMark for
	// the value. Both are empty if nothing is to be typed.
	flags, filter string
	// why is the reason if nothing is to be typed, or additional advice.
	why string
	// lost marks a feature that tracer lacks. No command line is suggested then.
	lost bool
}

// valueMark is replaced with the value that the user typed.
const valueMark = "{}"

// Reasons that several flags share.
const (
	alwaysNumbers = "is not needed: addresses and ports are always numbers"
	noCapture     = "is not needed: tracer looks at packets in the kernel and captures none"
	noPayload     = "has no counterpart: payload is not shown; --output-skb shows the fields of the sk_buff"
	atOnce        = "is not needed: rows are printed as they come"
)

// foreigners is the table of foreign flags. The first entry for a name and its value counts.
var foreigners = []foreign{
	{program: "tcpdump", names: []string{"-i", "--interface"}, value: "IF", only: []string{"any"}, why: "is not needed: all interfaces are traced"},
	{program: "tcpdump", names: []string{"-i", "--interface"}, value: "IF", flags: "--filter-ifname {}"},
	{program: "tcpdump", names: []string{"-c", "--count"}, value: "N", flags: "--max-packets {}", why: "--output-limit-lines counts rows instead"},
	{program: "tcpdump", names: []string{"-n"}, why: alwaysNumbers},
	{program: "tcpdump", names: []string{"-f"}, why: alwaysNumbers},
	{program: "tcpdump", names: []string{"-v"}, flags: "--output-tcp-seq", why: "--output-stack and --output-return show more; --debug is for messages, --version for the version"},
	{program: "tcpdump", names: []string{"-q"}, flags: "--output-meta=false"},
	{program: "tcpdump", names: []string{"-S", "--absolute-tcp-sequence-numbers"}, flags: "--output-tcp-seq"},
	{program: "tcpdump", names: []string{"-w"}, value: "FILE", flags: "--output-json --output-file {}", why: "it has events, not a capture"},
	{program: "tcpdump", names: []string{"-C"}, value: "SIZE", flags: "--output-file-max-size {}"},
	{program: "tcpdump", names: []string{"-W"}, value: "N", flags: "--output-file-max-backups {}"},
	{program: "tcpdump", names: []string{"-G"}, value: "SECONDS", flags: "--output-file-max-size 100", why: "files are rotated by size"},
	{program: "tcpdump", names: []string{"-z"}, value: "COMMAND", flags: "--output-file-compress", why: "it runs no command, and compresses with gzip"},
	{program: "tcpdump", names: []string{"-r"}, value: "FILE", why: "has no counterpart: tracer traces the running kernel and reads no captures", lost: true},
	{program: "tcpdump", names: []string{"-F"}, value: "FILE", why: "has no counterpart: the filter is on the command line, as in tracer \"$(cat FILE)\"", lost: true},
	{program: "tcpdump", names: []string{"-D", "--list-interfaces"}, why: "has no counterpart: `ip link` lists interfaces", lost: true},
	{program: "tcpdump", names: []string{"-d"}, flags: "--dry-run"},
	{program: "tcpdump", names: []string{"-e"}, why: "has no counterpart: Ethernet addresses are not shown; the columns IFACE and PROTO are"},
	{program: "tcpdump", names: []string{"-A"}, why: noPayload},
	{program: "tcpdump", names: []string{"-x"}, why: noPayload},
	{program: "tcpdump", names: []string{"-X"}, why: noPayload},
	{program: "tcpdump", names: []string{"-s", "--snapshot-length"}, value: "BYTES", why: noCapture},
	{program: "tcpdump", names: []string{"-p", "--no-promiscuous-mode"}, why: noCapture},
	{program: "tcpdump", names: []string{"-B"}, value: "N", flags: "--buffer-size {}K", why: "a power of two, 4M by default"},
	{program: "tcpdump", names: []string{"-Q", "--direction"}, value: "DIRECTION", only: []string{"in"}, flags: "--filter-func @rx"},
	{program: "tcpdump", names: []string{"-Q", "--direction"}, value: "DIRECTION", only: []string{"out"}, flags: "--filter-func @tx"},
	{program: "tcpdump", names: []string{"-Q", "--direction"}, value: "DIRECTION", why: "is not needed: both directions are traced"},
	{program: "tcpdump", names: []string{"-t"}, flags: "--timestamp none"},
	{program: "tcpdump", names: []string{"-tt", "-tttt"}, flags: "--timestamp absolute"},
	{program: "tcpdump", names: []string{"-ttt", "-ttttt"}, flags: "--timestamp relative"},
	{program: "tcpdump", names: []string{"-#", "--number"}, flags: "--output-id"},
	{program: "tcpdump", names: []string{"-l"}, why: atOnce},
	{program: "tcpdump", names: []string{"-U", "--packet-buffered"}, why: atOnce},
	{program: "tcpdump", names: []string{"--immediate-mode"}, why: atOnce},
	{program: "tcpdump", names: []string{"-K", "--dont-verify-checksums"}, why: "is not needed: checksums are not verified"},
	{program: "tcpdump", names: []string{"-O", "--no-optimize"}, why: "is not needed: --dry-run prints the filter's program"},
	{program: "tcpdump", names: []string{"-Z", "--relinquish-privileges"}, value: "USER", why: "is not needed: tracer drops every privilege it no longer needs"},

	{program: "pwru", names: []string{"--filter-src-ip"}, value: "IP", filter: "src host {}"},
	{program: "pwru", names: []string{"--filter-dst-ip"}, value: "IP", filter: "dst host {}"},
	{program: "pwru", names: []string{"--filter-proto"}, value: "PROTO", filter: "{}"},
	{program: "pwru", names: []string{"--filter-src-port"}, value: "PORT", filter: "src port {}"},
	{program: "pwru", names: []string{"--filter-dst-port"}, value: "PORT", filter: "dst port {}"},
	{program: "pwru", names: []string{"--filter-port"}, value: "PORT", filter: "port {}"},
	{program: "pwru", names: []string{"--filter-pcap"}, value: "FILTER", filter: "{}"},
	{program: "pwru", names: []string{"--filter-tunnel-pcap"}, value: "FILTER", flags: "--filter-tunnel-pcap-l3 {}"},
	{program: "pwru", names: []string{"--filter-trace-only-bpf"}, flags: "--only-bpf"},
	{program: "pwru", names: []string{"--output-relative-timestamp"}, flags: "--timestamp relative"},
	{program: "pwru", names: []string{"--per-cpu-buffer"}, value: "BYTES", why: "is not needed: one ring buffer of 4M serves all CPUs; --buffer-size 16M makes it larger"},

	{names: []string{"-V"}, flags: "--version"},
	{names: []string{"--verbose"}, flags: "--debug"},
	{names: []string{"--output-metadata"}, value: "LIST", flags: "--output-skb-metadata {}"},
}

// ours returns our flags to type instead, with the value.
func (f *foreign) ours(value string) []string {
	var words []string
	for _, word := range strings.Fields(f.flags) {
		words = append(words, strings.ReplaceAll(word, valueMark, value))
	}
	return words
}

// term returns what to add to the pcap filter.
func (f *foreign) term(value string) string { return strings.ReplaceAll(f.filter, valueMark, value) }

// isAbout reports whether the entry is for a flag of that name with that value.
func (f *foreign) isAbout(name, value string) bool {
	return slices.Contains(f.names, name) && (f.only == nil || slices.Contains(f.only, value))
}
