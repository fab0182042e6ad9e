// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
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
		shown := printable.Text(shellWord(name))
		words, err := shell.Fields(shown, nil)
		if err != nil || len(words) != 1 {
			t.Errorf("%q is shown as %s, which a shell reads as %q, %v", name, shown, words, err)
		}
	}
}
