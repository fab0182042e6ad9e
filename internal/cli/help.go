// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"tracer/internal/column"
)

const helpHead = `Usage: tracer [flags] [pcap filter]

Show the way of packets through the functions of the running kernel, and where
and why they are dropped. The words that are no flags make one pcap filter (see
pcap-filter(7)); without it every packet is shown. Flags may follow the filter.
`

const helpExamples = `
Examples:
  tracer icmp
        every function that an ICMP packet passes
  tracer --drop --drop-hide-benign tcp and port 443
        only drops of TCP packets, with reason, place and stack
  tracer --filter-func '@rx|@nf' --max-packets 1 icmp
        the way of one ICMP packet in, through the firewall
  tracer --filter-netns blue --filter-ifname eth0 'udp and dst port 53'
        DNS queries on eth0 of the namespace blue
  tracer --timestamp relative --output-limit-lines 100 host 10.0.0.1
        100 events, each with the ns since the one before it
  tracer --output-json --output-file trace.json --backend tracepoint
        what tracepoints see of all packets, as JSON, in a file
  tracer --dry-run 'tcp[tcpflags] & tcp-syn != 0'
        what would be attached, and the filter as eBPF
`

const helpTail = `
Exit codes: 0 done or interrupted, 1 run-time error, 2 bad usage.
`

// help is the whole help text.
func help() string {
	var b strings.Builder
	b.WriteString(helpHead)
	for _, t := range topics() {
		fmt.Fprintf(&b, "\n%s:\n%s", t.name, t.flagsOf(&options{}).FlagUsages())
	}
	b.WriteString(helpExamples)
	helpColumns(&b)
	b.WriteString(helpTail)
	return b.String()
}

// helpColumns lists the output from the table that makes it.
func helpColumns(b *strings.Builder) {
	b.WriteString("\nOutput columns: header in text and name, which is the JSON key too (of current and relative: time)\n")
	for _, c := range column.All() {
		fmt.Fprintf(b, "  %-10s %-15s %s\n", c.Header, c.Name, c.Help)
	}
}
