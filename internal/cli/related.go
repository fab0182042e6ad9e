// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"
)

// relations are flags that are used together or instead of each other.
var relations = [][]string{
	{"filter-netns", "filter-ifname", "output-netns-names", "netns-names-max-length"},
	{"filter-pid", "filter-comm", "filter-cgroup"},
	{"filter-mark", "filter-skb-expr", "output-skb-metadata"},
	{"filter-xdp-expr", "output-xdp-metadata", "filter-trace-xdp"},
	{"filter-tunnel-pcap-l2", "filter-tunnel-pcap-l3", "vxlan-ports", "geneve-ports", "output-tunnel"},
	{"filter-func", "filter-func-exclude", "filter-non-skb-funcs", "kmods", "all-kmods"},
	{"filter-track-bpf-helpers", "output-bpfmap", "filter-trace-bpf"},
	{"drop", "drop-hide-benign", "filter-drop-reason", "why", "output-why", "output-stack"},
	{"duration", "max-packets", "output-limit-lines", "max-events-per-packet", "max-events-per-second"},
	{"filter-track-skb", "filter-track-skb-by-stackid", "output-id", "track-entries"},
	{"filter-trace-tc", "filter-trace-xdp", "filter-trace-bpf", "only-bpf"},
	{"output-meta", "output-tuple", "output-columns"},
	{"output-tuple", "output-tcp-flags", "output-tcp-seq"},
	{"output-netfilter", "output-conntrack", "output-lookups", "kmods"},
	{"output-return", "returns-by", "output-lookups"},
	{"output-caller", "output-stack"},
	{"output-skb", "output-skb-shared-info", "output-skb-cb", "output-skb-metadata"},
	{"timestamp", "output-columns"},
	{"output-json", "output-file", "output-columns"},
	{"output-file", "output-file-max-size", "output-file-max-backups", "output-file-max-age", "output-file-compress"},
	{"write", "quiet", "snaplen", "write-compress", "output-file"},
	{"write", "write-max-size", "write-max-time", "write-max-events", "write-max-backups", "write-max-age"},
	{"color", "output-json"},
	{"backend", "returns-by", "dry-run"},
	{"kernel-btf", "kmods"},
	{"buffer-size", "max-events-per-second", "output-file"},
	{"ready-file", "duration"},
	{"debug", "dry-run"},
	{"help", "version"},
	{"set-percpu-buf", "buffer-size"},
	{"filter-kprobe-batch", "backend"},
}

// relatedTo returns the flags that share a relation with the named one, in the order of the table.
func relatedTo(name string) []string {
	var related []string
	for _, group := range relations {
		if !slices.Contains(group, name) {
			continue
		}
		for _, other := range group {
			if other != name && !slices.Contains(related, other) {
				related = append(related, other)
			}
		}
	}
	return related
}

func relatedText(name string) string {
	var all []string
	for _, other := range relatedTo(name) {
		all = append(all, "--"+other)
	}
	return strings.Join(all, ", ")
}
