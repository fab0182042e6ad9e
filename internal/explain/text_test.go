// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/shell"

	"tracer/internal/event"
	"tracer/internal/printable"
)

// TestDottedDevice checks that a device name with a dot is a single component of a sysctl name, and unchanged elsewhere.
func TestDottedDevice(t *testing.T) {
	parsed, err := parseTemplate("{dev}: sysctl -w net.ipv4.conf.{dev}.rp_filter=2")
	if err != nil {
		t.Fatal(err)
	}
	values, want := Values{"dev": {Text: "eth0.5"}}, "eth0.5: sysctl -w net.ipv4.conf.eth0/5.rp_filter=2"
	if got, _ := parsed.fill(values); got != want {
		t.Errorf("fill: %q, want %q", got, want)
	}
	if got := parsed.fillLoosely(values); got != want {
		t.Errorf("fillLoosely: %q, want %q", got, want)
	}
}

// TestConditionalParts checks that a part with a condition is in the text exactly if the condition is known and true.
func TestConditionalParts(t *testing.T) {
	parsed, err := parseTemplate("sysctl -w[[if all > 0 && !known(none): all={all}]][[if dev > 0:  {dev}: on]]")
	if err != nil {
		t.Fatal(err)
	}
	for want, values := range map[string]Values{
		"sysctl -wall=2":       {"all": number(2), "dev": number(0)},
		"sysctl -w 1: on":      {"dev": number(1)},
		"sysctl -w":            {},
		"sysctl -wall=1 3: on": {"all": number(1), "dev": number(3)},
	} {
		if got, known := parsed.fill(values); !known || got != want {
			t.Errorf("fill: %q, want %q", got, want)
		}
		if got := parsed.fillLoosely(values); got != want {
			t.Errorf("fillLoosely: %q, want %q", got, want)
		}
	}
	if got := parsed.keys(true); !slices.Equal(got, []string{"all", "all", "dev", "dev"}) {
		t.Errorf("keys %q", got)
	}
	if _, err := parseTemplate("a[[if b =: c]]"); err == nil {
		t.Error("a wrong condition is no error")
	}
}

// TestRemediesQuoteNames checks that a name with special characters is one word of the command in a remedy, and unchanged in
// the text of a cause.
func TestRemediesQuoteNames(t *testing.T) {
	table := load(t)
	drop := func(name string) *Drop {
		dev := Value{Kind: event.WordFact, Text: name}
		return &Drop{Reason: "IPV6DISABLED", Location: "ip6_rcv_core+1", Values: Values{"disable_ipv6": number(1), "type": number(0), "dev": dev}}
	}
	for name, want := range map[string]string{
		"eth0":     "sysctl -w net.ipv6.conf.eth0.disable_ipv6=0",
		"a;reboot": "sysctl -w net.ipv6.conf.'a;reboot'.disable_ipv6=0",
		"a'b$(c)":  `sysctl -w net.ipv6.conf.'a'"'"'b$(c)'.disable_ipv6=0`,
	} {
		a := table.Explain(drop(name))
		if a.Remedy != want || a.Text != "disable_ipv6=1 on "+name {
			t.Errorf("%s: text %q, remedy %q, want %q", name, a.Text, a.Remedy, want)
		}
	}
}

// TestEscapedRemediesAreSafe checks that a name can't leave its quotes in the text output, which escapes remedies once more.
func TestEscapedRemediesAreSafe(t *testing.T) {
	for _, name := range []string{"';id;'", `\';id;\'`, "a'b", "\x1b';id;'", `'\''`} {
		shown := printable.Text(ShellWord(name))
		words, err := shell.Fields(shown, nil)
		if err != nil || len(words) != 1 {
			t.Errorf("%q is shown as %s, which a shell reads as %q, %v", name, shown, words, err)
		}
	}
}

// TestAnswersAreOnlySaidWhereTheyAreSent checks that texts and remedies name an ICMP error or a reset only if the kernel may
// send one for this packet, and not if that is unknown.
func TestAnswersAreOnlySaidWhereTheyAreSent(t *testing.T) {
	table := load(t)
	checked := 0
	for _, c := range table.causes {
		for _, text := range []template{c.text, c.remedy} {
			for _, p := range text {
				for _, piece := range p.pieces {
					if !saysAnswer.MatchString(piece.text) {
						continue
					}
					if checked++; p.when == nil || !strings.HasPrefix(p.when.Text, "gets_") {
						t.Errorf("cause %s says %q in any case", c.ID, piece.text)
					}
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d texts have an answer", checked)
	}
	values := Values{"is_v4": number(1), "dst4": {Text: "10.2.0.2"}, "dport": number(53), "src4": {Text: "10.1.0.2"}}
	drop := &Drop{Reason: "NO_SOCKET", Location: "__udp4_lib_rcv+1", Values: values}
	for _, test := range []struct {
		known, gets, want bool
	}{{false, false, false}, {true, false, false}, {true, true, true}} {
		if delete(values, "gets_error"); test.known {
			values["gets_error"] = number(truth(test.gets))
		}
		if a := table.Explain(drop); strings.Contains(a.Text, "ICMP") != test.want || !strings.HasPrefix(a.Text, "no socket for 10.2.0.2:53(udp)") {
			t.Errorf("%+v: %s", test, a.Text)
		}
	}
}

// saysAnswer matches a text about the answer to a dropped packet. Notes have evidence for theirs.
var saysAnswer = regexp.MustCompile(`is sent to |; a reset is sent|let ICMP(v6)? type`)

func truth(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// TestReversePathRemedies checks that the remedies name the settings that have to change: the larger one of all and the
// device counts, and loose mode does not help without a route, or without an address on the device.
func TestReversePathRemedies(t *testing.T) {
	table := load(t)
	const loose, off = "eth0.rp_filter=2", "sysctl -w"
	for _, test := range []struct {
		all, dev       uint64
		route, address bool
		back           uint64
		cause          string
		want, never    []string
	}{
		{1, 0, true, true, 2, "rp-filter-strict", []string{loose}, []string{"=0"}},
		{1, 1, true, false, 2, "rp-filter-no-address", []string{"sysctl -w net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.all.rp_filter=0", "ip addr add", "spoofed"}, []string{loose}},
		{2, 0, true, false, 2, "rp-filter-no-address", []string{"sysctl -w net.ipv4.conf.all.rp_filter=0", "every device"}, []string{loose, "eth0.rp_filter=0"}},
		{0, 2, false, true, 0, "rp-filter-no-route", []string{"sysctl -w net.ipv4.conf.eth0.rp_filter=0", "add a route"}, []string{loose, "all.rp_filter=0", "every device"}},
		{2, 1, false, true, 0, "rp-filter-no-route", []string{"net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.all.rp_filter=0"}, []string{loose}},
		{2, 0, true, true, 2, "rp-filter", []string{"ip route get", "is missing"}, []string{loose, off}},
	} {
		site := Values{"src": {Text: "10.9.0.1"}, "dev": {Text: "eth0"}, "ifindex": number(1), "rp_all": number(test.all), "rp_dev": number(test.dev), "no_address": number(truth(!test.address))}
		values := Values{"source_check.error": number(18), "way_back.error": number(truth(!test.route)), "way_back.table": {Text: "main"}}
		if test.route {
			values["way_back.ifindex"], values["way_back.dev"] = number(test.back), Value{Text: "eth1"}
		}
		a := table.Explain(&Drop{Reason: "IP_RPFILTER", Location: "ip_rcv_finish_core+1", Values: values, BySite: map[string]Values{"ip_receive": site}})
		if causeOf(a) != test.cause {
			t.Errorf("%+v: cause %s", test, causeOf(a))
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(a.Remedy, part) {
				t.Errorf("%+v: %q is not in %q", test, part, a.Remedy)
			}
		}
		for _, part := range test.never {
			if strings.Contains(a.Remedy, part) {
				t.Errorf("%+v: %q is in %q", test, part, a.Remedy)
			}
		}
	}
}
