// SPDX-License-Identifier: Apache-2.0

package cli

// What help and the man page tell of tracer beside its flags and columns.

// gist is tracer in one clause.
const gist = `show the way of packets through the functions of the running kernel, and where
and why they are dropped`

// filterWords is what the arguments mean that are no flags.
const filterWords = `The words that are no flags make one pcap filter (see
pcap-filter(7)); without it every packet is shown. Flags may follow the filter.`

// example is a command line and what it does.
type example struct{ line, what string }

var examples = []example{
	{`tracer icmp`, "every function that an ICMP packet passes"},
	{`tracer --drop --drop-hide-benign tcp and port 443`, "only drops of TCP packets, with reason, place and stack"},
	{`tracer --filter-func '@rx|@nf' --max-packets 1 icmp`, "the way of one ICMP packet in, through the firewall"},
	{`tracer --filter-netns blue --filter-ifname eth0 'udp and dst port 53'`, "DNS queries on eth0 of the namespace blue"},
	{`tracer --timestamp relative --output-limit-lines 100 host 10.0.0.1`, "100 events, each with the ns since the one before it"},
	{`tracer --output-json --output-file trace.json --backend tracepoint`, "what tracepoints see of all packets, as JSON, in a file"},
	{`tracer --dry-run 'tcp[tcpflags] & tcp-syn != 0'`, "what would be attached, and the filter as eBPF"},
}

// exit is an exit code and what it means.
type exit struct {
	code    int
	meaning string
}

var exits = []exit{
	{exitDone, "done or interrupted"},
	{exitError, "run-time error"},
	{exitUsage, "bad usage"},
}

// columnsNote is said above the list of columns.
const columnsNote = "header in text and name, which is the JSON key too (of current and relative: time)"
