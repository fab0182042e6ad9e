// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"regexp"
	"strings"
	"testing"

	"tracer/internal/event"
)

// prefixes is a resolver that knows how to enter namespaces, except that of the number 9.
type prefixes struct{ asked []Question }

func (p *prefixes) Resolve(q Question) (string, bool) {
	p.asked = append(p.asked, q)
	switch place(q.Key) {
	case InNetns:
		return "ip netns exec lab ", q.Netns != 9
	case InInitialNetns:
		return "nsenter -t 1 -n ", true
	}
	return "", false
}

// TestCommandsRunWhereTheDropWas checks which commands get which prefix.
func TestCommandsRunWhereTheDropWas(t *testing.T) {
	for remedy, want := range map[string]string{
		"`ip rule show`": "ip netns exec lab ip rule show",
		"a; `sysctl -w net.ipv4.ip_forward=1`, b":                          "a; `ip netns exec lab sysctl -w net.ipv4.ip_forward=1`, b",
		"`sysctl -w net.netfilter.nf_conntrack_max=N`; `conntrack -L`":     "nsenter -t 1 -n sysctl -w net.netfilter.nf_conntrack_max=N; ip netns exec lab conntrack -L",
		"`bpftool prog show id {id}`; `bpftool net show dev {dev}`":        "bpftool prog show id 7; ip netns exec lab bpftool net show dev eth0",
		"`dmesg`; `modprobe sctp`; `ct state invalid`; `sysctl -w vm.x=1`": "dmesg; modprobe sctp; ct state invalid; sysctl -w vm.x=1",
		"`@ip route get {dev}` on each router; `ip link show`":             "`ip route get eth0` on each router; `ip netns exec lab ip link show`",
		"`{tool} -vnL`": "ip netns exec lab iptables-legacy -vnL",
		"`sysctl -w[[if id > 0:  a={id}]][[if id > 9:  b]]`[[ or `ss -t`]]": "`ip netns exec lab sysctl -w a=7` or `ip netns exec lab ss -t`",
		"no command": "no command",
	} {
		parsed, err := parseRemedy(remedy)
		if err != nil {
			t.Fatal(err)
		}
		values := Values{"id": number(7), "dev": {Text: "eth0"}, "tool": {Text: "iptables-legacy"}}
		plain := strings.NewReplacer("ip netns exec lab ", "", "nsenter -t 1 -n ", "").Replace(want)
		if got := parsed.fillLoosely(values); got != plain {
			t.Errorf("without a resolver: %s, want %s", got, plain)
		}
		values[prefixKey+string(InNetns)], values[prefixKey+string(InInitialNetns)] = Value{Text: "ip netns exec lab "}, Value{Text: "nsenter -t 1 -n "}
		if got := parsed.fillLoosely(values); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// TestRemediesAskForTheNamespace checks that the stage asks for the namespace of the packet, or of the cause's device, and says
// if it can't be entered.
func TestRemediesAskForTheNamespace(t *testing.T) {
	p := &prefixes{}
	s := &Stage{table: load(t), resolver: p}
	find := func(id string) Answer {
		for _, c := range s.table.causes {
			if c.ID == id {
				return Answer{Cause: c.Cause, Values: Values{"handover.netns": number(5), "handover.dev": {Text: "eth0"}}}
			}
		}
		t.Fatalf("no cause %s", id)
		return Answer{}
	}
	for _, test := range []struct {
		cause string
		netns uint32
		asked uint32
		want  string
	}{
		{"ping-ignored", 4, 4, "ip netns exec lab sysctl -w net.ipv4.icmp_echo_ignore_all=0"},
		{"ping-ignored", 9, 9, "ip netns exec lab sysctl -w net.ipv4.icmp_echo_ignore_all=0 (in network namespace 9, which has neither a name nor a process)"},
		{"peer-down", 4, 5, "ip netns exec lab ip link set eth0 up"},
	} {
		p.asked = nil
		e := &event.Event{}
		e.Meta.Netns = test.netns
		if got := s.remedy(find(test.cause), e); got != test.want || len(p.asked) != 1 || p.asked[0].Netns != test.asked {
			t.Errorf("%s: %s, asked %+v, want %s", test.cause, got, p.asked, test.want)
		}
	}
}

// program matches the beginning of a command.
var program = regexp.MustCompile(`\b(sysctl|nft|ethtool|conntrack|bpftool|nstat|ipvsadm|tcpdump|modprobe|ss|tc|ip|bridge|devlink|dmesg|ausearch|cat) (-[a-zA-Z]|[a-z]+ (show|get|set|list|add)\b|net\.|vm\.|/)`)

// TestCommandsAreMarked checks that remedies have no command outside of backquotes, and in backquotes only known programs.
func TestCommandsAreMarked(t *testing.T) {
	commands := 0
	for _, c := range load(t).causes {
		if strings.Count(c.Remedy, "`")%2 != 0 {
			t.Errorf("cause %s: a backquote has no other one: %s", c.ID, c.Remedy)
			continue
		}
		for i, text := range strings.Split(c.Remedy, "`") {
			if i%2 == 0 {
				if found := program.FindString(text); found != "" {
					t.Errorf("cause %s: the command %q is not in backquotes: %s", c.ID, found, c.Remedy)
				}
				continue
			}
			commands++
			text = strings.TrimPrefix(text, "@")
			if first, _, _ := strings.Cut(text, "{"); text != "ct state invalid,untracked" {
				if _, is := placeOf(first); !is {
					t.Errorf("cause %s: the command %q is of an unknown program", c.ID, text)
				}
			}
		}
		if c.Netns != "" && !keysOf(load(t), c)[c.Netns] {
			t.Errorf("cause %s: nothing reads %s", c.ID, c.Netns)
		}
	}
	if commands < 150 {
		t.Errorf("only %d commands", commands)
	}
}
