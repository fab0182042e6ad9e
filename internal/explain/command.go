// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"strings"
)

// A remedy has its commands in backquotes. Most must run in the network namespace in which the packet was dropped, which
// need not be that of the user's shell: these commands get a prefix that enters it, such as ip netns exec NAME. A command
// that begins with @ is for another host.

// place is where a command has to run.
type place string

// The places are also the keys by which a [Resolver] is asked for the prefix.
const (
	anywhere place = ""
	// InNetns is the network namespace of the drop, or that of [Cause.Netns].
	InNetns place = "netns"
	// InInitialNetns is the initial network namespace, which alone has some settings of the whole host.
	InInitialNetns place = "initial netns"
)

// ofNetns are the programs whose answer or effect depends on the network namespace.
var ofNetns = []string{
	"ip", "ss", "tc", "bridge", "nft", "conntrack", "ethtool", "ipvsadm", "nstat", "tcpdump", "devlink", "cat", "ebtables-legacy",
}

// ofHost are those for which it does not matter.
var ofHost = []string{"modprobe", "dmesg", "ausearch", "tracer"}

// globalSettings are sysctls, or their beginnings, that exist or can be changed only in the initial network namespace.
var globalSettings = []string{
	"net.netfilter.nf_conntrack_max", "net.ipv4.neigh.default.gc_thresh", "net.ipv6.neigh.default.gc_thresh", "net.ipv4.udp_mem", "net.ipv4.tcp_mem",
	"net.ipv4.icmp_msgs_per_sec", "net.core.netdev_max_backlog", "net.core.flow_limit_cpu_bitmap", "net.core.qdisc_max_burst",
}

// placeOf returns where a command runs. rest is the text behind its opening quote, which ends at the first value; a command
// that begins with a value is a program of netfilter.
func placeOf(rest string) (p place, isCommand bool) {
	words := strings.Fields(rest)
	switch {
	case len(words) == 0:
		return InNetns, true
	case words[0] == "sysctl":
		return placeOfSetting(words[1:]), true
	case words[0] == "bpftool":
		if len(words) > 1 && words[1] == "net" {
			return InNetns, true
		}
		return anywhere, true
	case slices.Contains(ofHost, strings.Trim(words[0], "`")):
		return anywhere, true
	}
	return InNetns, slices.Contains(ofNetns, words[0])
}

func placeOfSetting(words []string) place {
	for _, word := range words {
		isIn := func(name string) bool { return strings.HasPrefix(word, name) }
		switch {
		case slices.ContainsFunc(globalSettings, isIn):
			return InInitialNetns
		case strings.HasPrefix(word, "vm."):
			return anywhere
		}
	}
	return InNetns
}

// parseRemedy parses a remedy. If it has nothing but commands, it loses its backquotes, so that the whole can be copied to a
// shell.
func parseRemedy(text string) (template, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	t.quoteNames()
	t.placeCommands()
	if isCommandsOnly(text) {
		for _, p := range t {
			for i := range p.pieces {
				p.pieces[i].text = strings.ReplaceAll(p.pieces[i].text, "`", "")
			}
		}
	}
	return t, nil
}

// isCommandsOnly reports whether a remedy is a list of commands.
func isCommandsOnly(remedy string) bool {
	for i, text := range strings.Split(remedy, "`") {
		if i%2 == 0 && text != "" && text != "; " {
			return false
		}
	}
	return strings.Contains(remedy, "`")
}

// placeCommands inserts the prefixes of the commands.
func (t template) placeCommands() {
	opened := false
	for i := range t {
		var pieces []piece
		for _, p := range t[i].pieces {
			if p.key != "" {
				pieces = append(pieces, p)
				continue
			}
			pieces = append(pieces, split(p.text, &opened)...)
		}
		t[i].pieces = pieces
	}
}

// split returns the pieces of a text, with one for the prefix of each command that begins in it.
func split(text string, opened *bool) (pieces []piece) {
	for text != "" {
		before, rest, found := strings.Cut(text, "`")
		if !found {
			return append(pieces, piece{text: text})
		}
		pieces, text = append(pieces, piece{text: before + "`"}), rest
		if *opened = !*opened; !*opened {
			continue
		}
		if elsewhere, is := strings.CutPrefix(text, "@"); is {
			text = elsewhere
			continue
		}
		command, _, _ := strings.Cut(rest, "`")
		if p, isCommand := placeOf(command); isCommand && p != anywhere {
			pieces = append(pieces, piece{place: p})
		}
	}
	return pieces
}

// places returns the places of the commands, each once.
func (t template) places() (list []place) {
	for _, p := range t {
		for _, piece := range p.pieces {
			if piece.place != anywhere && !slices.Contains(list, piece.place) {
				list = append(list, piece.place)
			}
		}
	}
	return list
}
