// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// samples are values for foreign flags, by the names that the table gives them.
var samples = map[string]string{
	"IF": "eth0", "N": "16", "FILE": "x.pcap", "SIZE": "10", "SECONDS": "60", "COMMAND": "gzip", "BYTES": "64",
	"DIRECTION": "inout", "USER": "nobody", "IP": "10.0.0.1", "PROTO": "tcp", "PORT": "80", "FILTER": "tcp or udp", "LIST": "skb->len,skb->mark",
}

// sampleOf returns a valid value for the flag.
func (f *foreign) sampleOf() string {
	if f.only != nil {
		return f.only[0]
	}
	return samples[f.value]
}

// uses returns all ways to type each foreign flag.
func uses() map[*foreign][][]string {
	all := map[*foreign][][]string{}
	for i := range foreigners {
		f := &foreigners[i]
		for _, name := range f.names {
			all[f] = append(all[f], usesOf(name, f.value, f.sampleOf())...)
		}
	}
	return all
}

func usesOf(name, value, sample string) [][]string {
	switch isLong := strings.HasPrefix(name, "--"); {
	case value == "":
		return [][]string{{name}}
	case isLong:
		return [][]string{{name, sample}, {name + "=" + sample}, {name[1:], sample}}
	}
	return [][]string{{name, sample}, {name + sample}}
}

// TestSuggestionsAreValid parses every suggestion as a user would type it.
func TestSuggestionsAreValid(t *testing.T) {
	for f, ways := range uses() {
		for _, args := range ways {
			tr := translate(args)
			if len(tr.found) != 1 || tr.found[0].foreign != f {
				t.Errorf("%q is not recognized as %s's %s", args, f.program, f.names)
				continue
			}
			checkSuggestion(t, tr, args)
		}
	}
}

func checkSuggestion(t *testing.T, tr *translation, args []string) {
	t.Helper()
	f, line := tr.found[0], tr.line()
	if f.lost != (line == nil) {
		t.Errorf("%q: command line %q, want none: %v", args, line, f.lost)
	}
	if f.lost {
		return
	}
	if strings.Contains(f.flags, "--output-file-") {
		line = append(line, "--output-file", "x") // as -C is given with -w
	}
	o, err := parseTrace(line[1:])
	if err != nil {
		t.Errorf("%q: the suggestion %q is rejected: %v", args, line, err)
	}
	if f.filter != "" && o.config.Expr != f.term(f.given) {
		t.Errorf("%q: filter %q, want %q", args, o.config.Expr, f.term(f.given))
	}
}

// TestForeignersAreComplete checks that each entry has an answer, that no name is a flag of ours, and
// that one entry of each name is for all values.
func TestForeignersAreComplete(t *testing.T) {
	own := traceFlags()
	for i := range foreigners {
		f := &foreigners[i]
		if f.flags == "" && f.filter == "" && f.why == "" {
			t.Errorf("%s: no answer", f.names)
		}
		if f.value != "" && samples[f.value] == "" {
			t.Errorf("%s: no sample of %s", f.names, f.value)
		}
		for _, name := range f.names {
			if own.Lookup(strings.TrimLeft(name, "-")) != nil {
				t.Errorf("%s is a flag of ours", name)
			}
			if foreignOf(name, "anything else") == nil {
				t.Errorf("%s: no entry for other values than %q", name, f.only)
			}
			if (anyForeign(name).value == "") != (f.value == "") {
				t.Errorf("%s: with a value and without", name)
			}
		}
	}
}

// TestFlagsInSuggestionsExist also checks the words of every sentence.
func TestFlagsInSuggestionsExist(t *testing.T) {
	own := names(traceFlags())
	for i := range foreigners {
		for _, word := range strings.FieldsFunc(foreigners[i].flags+" "+foreigners[i].why, func(r rune) bool { return strings.ContainsRune(" ,;=", r) }) {
			if name, isFlag := strings.CutPrefix(word, "--"); isFlag && !slices.Contains(own, name) {
				t.Errorf("%s: %s is no flag", foreigners[i].names, word)
			}
		}
	}
}

// answered are command lines of other programs and the complete answers.
var answered = map[string]string{
	"-i eth0 icmp":               "unknown flag \"-i\"\nhint: tcpdump's -i eth0 is --filter-ifname eth0",
	"icmp -ieth0":                "unknown flag \"-ieth0\"\nhint: tcpdump's -i eth0 is --filter-ifname eth0",
	"-i":                         "unknown flag \"-i\"\nhint: tcpdump's -i IF is --filter-ifname IF",
	"-i any -n port 53":          "unknown flag \"-i\"\nhint: tcpdump's -i any is not needed: all interfaces are traced\nhint: tcpdump's -n is not needed: addresses and ports are always numbers\nhint: type tracer port 53",
	"-nni eth0 -c 10 icmp":       "unknown flag \"-nni\"\nhint: tcpdump's -nn is not needed: addresses and ports are always numbers\nhint: tcpdump's -i eth0 is --filter-ifname eth0\nhint: tcpdump's -c 10 is --max-packets 10: --output-limit-lines counts rows instead\nhint: type tracer --filter-ifname eth0 --max-packets 10 icmp",
	"-r x.pcap icmp":             "unknown flag \"-r\"\nhint: tcpdump's -r x.pcap has no counterpart: tracer traces the running kernel and reads no captures",
	"-tttt icmp":                 "unknown flag \"-tttt\"\nhint: tcpdump's -tttt is --timestamp absolute",
	"-ttt":                       "unknown flag \"-ttt\"\nhint: tcpdump's -ttt is --timestamp relative",
	"-n":                         "unknown flag \"-n\"\nhint: tcpdump's -n is not needed: addresses and ports are always numbers",
	"-Qout icmp":                 "unknown flag \"-Qout\"\nhint: tcpdump's -Q out is --filter-func @tx",
	"--filter-dst-ip 10.0.0.1":   "unknown flag \"--filter-dst-ip\"\nhint: pwru's --filter-dst-ip 10.0.0.1 is the filter 'dst host 10.0.0.1'\nhint: type tracer 'dst host 10.0.0.1'",
	"-filter-proto tcp --drop":   "unknown flag \"-filter-proto\"\nhint: pwru's -filter-proto tcp is the filter tcp\nhint: type tracer --drop tcp",
	"--filter-port=80 tcp or ip": "unknown flag \"--filter-port\"\nhint: pwru's --filter-port 80 is the filter 'port 80'\nhint: type tracer 'port 80 and (tcp or ip)'",
	"--output-metadata skb->len": "unknown flag \"--output-metadata\"\nhint: --output-metadata 'skb->len' is --output-skb-metadata 'skb->len'",
	"--qqqq -i eth0":             "unknown flag \"--qqqq\"\nhint: `tracer --help` lists the flags\nhint: tcpdump's -i eth0 is --filter-ifname eth0",
	"-yn --backend kprobe":       "unknown flag \"-yn\"\nhint: `tracer --help` lists the flags\nhint: tcpdump's -n is not needed: addresses and ports are always numbers",
	"--backend -i -n":            "--backend \"-i\": not one of kprobe-multi, kprobe, tracepoint\nhint: see `tracer help backend`",
	"-V":                         "unknown flag \"-V\"\nhint: -V is --version",
	"-1 = ip[0]":                 "unknown flag \"-1\"\nhint: write -- before a filter that begins with -",
	"-ni eth0 -- -1 = ip[0]":     "unknown flag \"-ni\"\nhint: tcpdump's -n is not needed: addresses and ports are always numbers\nhint: tcpdump's -i eth0 is --filter-ifname eth0\nhint: type tracer --filter-ifname eth0 -- -1 = 'ip[0]'",
	"--doctor":                   "unknown flag \"--doctor\"\nhint: it is a command: tracer doctor [--json]",
	"pwru --output-tuple icmp":   "\"pwru\": the name of a program, not a flag or a filter\nhint: type tracer --output-tuple icmp",
	"sudo tracer icmp":           "\"sudo\": the name of a program, not a flag or a filter\nhint: type tracer icmp",
	"tracer tracer":              "\"tracer\": the name of a program, not a flag or a filter\nhint: type tracer",
	"sudo -E ./pwru -filter-dst-port 80": "\"sudo\": the name of a program, not a flag or a filter\n" +
		"hint: pwru's -filter-dst-port 80 is the filter 'dst port 80'\nhint: type tracer 'dst port 80'",
	"/usr/sbin/tcpdump -i lo tcp": "\"/usr/sbin/tcpdump\": the name of a program, not a flag or a filter\n" +
		"hint: tcpdump's -i lo is --filter-ifname lo\nhint: type tracer --filter-ifname lo tcp",
	"drop tcp":                        "filter expression \"drop tcp\": syntax error at \"drop\"\nhint: flags begin with two dashes: tracer --drop tcp",
	"–output-json filter-func a icmp": "filter expression \"–output-json filter-func a icmp\": syntax error at \"–output-json\"\nhint: flags begin with two dashes: tracer --output-json --filter-func a icmp",
	"--filter-func ip_rcv,ip_output":  "--filter-func \"ip_rcv,ip_output\": not a list: no function has a comma in its name\nhint: separate alternatives with |, as in 'ip_rcv|ip_output'",
	"--filter-func ,":                 "--filter-func \",\": not a list: no function has a comma in its name\nhint: separate alternatives with |, as in 'ip_rcv|ip_output'",
	"--filter-func-exclude a{1,2},b,": "--filter-func-exclude \"a{1,2},b,\": not a list: no function has a comma in its name\nhint: separate alternatives with |, as in 'a{1,2}|b'",
	"--filter-netns 4026533589":       "netns \"4026533589\": no namespace has this name\nhint: type --filter-netns inode:4026533589 for the namespace with this inode number",
	"--filter-netns 4242":             "netns \"4242\": no namespace has this name\nhint: type --filter-netns pid:4242 for the namespace of this process, or inode:4242 for the one with this inode number",
	"help filter-fun":                 "help \"filter-fun\": no such command or flag\nhint: did you mean `tracer help filter-func`?",
	"help docter":                     "help \"docter\": no such command or flag\nhint: did you mean `tracer help doctor`?",
	"help complete":                   "help \"complete\": no such command or flag\nhint: `tracer --help` lists all flags and commands",
	"help qqqq":                       "help \"qqqq\": no such command or flag\nhint: `tracer --help` lists all flags and commands",
	"help -i":                         "help \"-i\": no such command or flag\nhint: tcpdump's -i IF is --filter-ifname IF",
	"trace pwru icmp":                 "\"pwru\": the name of a program, not a flag or a filter\nhint: type tracer icmp",
	"--ready-file f trace icmp":       "filter expression \"trace icmp\": syntax error at \"trace\"\nhint: a command is the first argument: tracer trace [flags] [filter]",
	"--dry-run doctor":                "filter expression \"doctor\": syntax error at \"doctor\"\nhint: a command is the first argument: tracer doctor [--json]",
	"doctr":                           "filter expression \"doctr\": syntax error at \"doctr\"\nhint: did you mean `tracer doctor`?",
	"help trace doctor":               "help \"trace\" \"doctor\": more than one command or flag\nhint: ask for one at a time: `tracer help trace`",
	"help flags --drop":               "help \"flags\" \"--drop\": more than one command or flag\nhint: ask for one at a time: `tracer help flags`",
	"version --debug":                 "version \"--debug\": takes no flags\nhint: see `tracer help version`",
	"man x --backend kprobe":          "man \"--backend\": takes no flags\nhint: see `tracer help man`",
	"completion --json bash":          "completion \"--json\": takes no flags\nhint: see `tracer help completion`",
	"completion bash -x":              "completion \"-x\": takes no flags\nhint: see `tracer help completion`",
	"completion bash zsh":             "completion \"zsh\": more than one shell\nhint: type tracer completion bash|zsh|fish",
	"man -":                           "man \"-\": takes no arguments\nhint: see `tracer help man`; to filter for a host of that name, write: host man",
	"--version x":                     "--version \"x\": takes no arguments\nhint: see `tracer help version`",
	"help and port 80":                "help \"and\": no such command or flag\nhint: see `tracer help help`; to filter for a host of that name, write: host help",
	"version x":                       "version \"x\": takes no arguments\nhint: see `tracer help version`; to filter for a host of that name, write: host version",
	"completion":                      "completion: shell missing\nhint: type tracer completion bash|zsh|fish",
	"completion a\a\u200b":            "completion \"a\\x07\\xe2\\x80\\x8b\": not one of bash, zsh, fish\nhint: type tracer completion bash|zsh|fish",
	"help qqqq\a":                     "help \"qqqq\\x07\": no such command or flag\nhint: `tracer --help` lists all flags and commands",
	"--filter-func a\a\x01(":          "--filter-func \"a\\x07\\x01(\": not a regular expression, missing closing ) at \"a\\x07\\x01(\"\nhint: see `tracer help filter-func`",
	"completion tcsh":                 "completion \"tcsh\": not one of bash, zsh, fish\nhint: type tracer completion bash|zsh|fish",
}

func TestAnswers(t *testing.T) {
	for line, want := range answered {
		var stdout, stderr bytes.Buffer
		code := Main(strings.Fields(line), &stdout, &stderr)
		if code != exitUsage || stdout.Len() != 0 || stderr.String() != "tracer: "+want+"\n" {
			t.Errorf("%q: exit %d, stdout %q, stderr\n%s\nwant\n%s", line, code, &stdout, &stderr, want)
		}
	}
}
