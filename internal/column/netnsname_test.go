// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func inNetns(name string) event.Event { return event.Event{Names: event.Names{Netns: name}} }

func TestNetnsName(t *testing.T) {
	checkCell(t, "netns_name", inNetns(""), "-", "null")
	checkCell(t, "netns_name", inNetns("blue"), "blue", `"blue"`)
	checkCell(t, "netns_name", inNetns("my netns\n"), `my\x20netns\x0a`, `"my netns\u000a"`)
}

func TestLongNetnsName(t *testing.T) {
	for name, want := range map[string]string{
		"cni-0123456789ab":      "cni-0123456789ab",
		"cni-0123456789abc":     "~i-0123456789abc",
		"cni-0123456789abcdefg": "~23456789abcdefg",
		"grüüüüüüüüüüüüün":      "grüüüüüüüüüüüüün",
		"grüüüüüüüüüüüüüün":     "~üüüüüüüüüüüüüün",
	} {
		checkCell(t, "netns_name", inNetns(name), want, `"`+name+`"`)
	}
	checkCellOf(t, Options{NetnsNameMost: 4}, "netns_name", inNetns("green"), "~een", `"green"`)
	checkCellOf(t, Options{NetnsNameMost: 1}, "netns_name", inNetns("green"), "~", `"green"`)
	checkCellOf(t, Options{NetnsNameMost: 20}, "netns_name", inNetns("cni-0123456789abcdef"), "cni-0123456789abcdef", `"cni-0123456789abcdef"`)
}

func TestNetnsNameWidth(t *testing.T) {
	for most, want := range map[int]int{0: 16, 4: 10, 30: 30} {
		if got := netnsNameColumns(Options{NetnsNameMost: most})[0].Width; got != want {
			t.Errorf("at most %d: width %d, want %d", most, got, want)
		}
	}
}
