// SPDX-License-Identifier: Apache-2.0

package cli

// Text of help and manual page, besides flags and columns.

// gist describes tracer in one clause.
const gist = `show which kernel functions packets pass through, and where and why
they are dropped`

// filterWords describes the arguments that are not flags.
const filterWords = `Arguments that are not flags form one pcap filter (see pcap-filter(7));
without one every packet is traced. Flags may also follow the filter.`

// example is a command line with a description.
type example struct{ line, what string }

// examples are those of help and manual page. The short help has the first [shortExamples].
var examples = []example{
	{`tracer icmp`, "every kernel function that an ICMP packet passes through"},
	{`tracer --drop tcp and port 443`, "only drops of these packets: reason, location and cause"},
	{`tracer --filter-func '@rx|@nf' --max-packets 1 icmp`, "the path of one incoming packet through the firewall"},
	{`tracer --filter-netns blue --filter-ifname eth0 'udp and dst port 53'`, "DNS queries on eth0 of the namespace blue"},
	{`tracer --filter-track-skb --timestamp relative host 10.0.0.1`, "follow packets through NAT and tunnels, with the time between events"},
	{`tracer --filter-comm 'nginx*' --output-tcp-flags --output-caller tcp`, "packets of the processes of a server, with TCP flags and callers"},
	{`tracer --output-json --output-file trace.json --backend tracepoint`, "all packets at the kernel's tracepoints, as JSON in a file"},
	{`tracer --dry-run 'tcp[tcpflags] & tcp-syn != 0'`, "print what would be attached, and the filter as eBPF"},
}

// exit is an exit code with its meaning.
type exit struct {
	code    int
	meaning string
}

var exits = []exit{
	{exitDone, "done or interrupted"},
	{exitError, "run-time error"},
	{exitUsage, "bad usage"},
}

// columnsNote is the heading of the list of columns.
const columnsNote = "header in text, and name, also the JSON key (current and relative: time)"
