// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strings"
	"testing"

	"tracer/internal/event"
)

func TestStack(t *testing.T) {
	e := event.Event{Stack: []event.Frame{
		{Addr: 0xffffffff81000100, Symbol: "ip_rcv"},
		{Addr: 0xffffffffc000005c, Symbol: "nft_do_chain", Module: "nf_tables", Offset: 0x5c},
		{Addr: 0xffffffffc1000000},
	}}
	checkCell(t, "stack", e, "    ip_rcv+0x0\n    nft_do_chain+0x5c [nf_tables]\n    0xffffffffc1000000\n",
		`[{"addr":"0xffffffff81000100","symbol":"ip_rcv","offset":0,"module":null},`+
			`{"addr":"0xffffffffc000005c","symbol":"nft_do_chain","offset":92,"module":"nf_tables"},`+
			`{"addr":"0xffffffffc1000000","symbol":null,"offset":null,"module":null}]`)
}

// TestStackUntilTheSoftirq checks that the text of a stack ends with the function that runs softirqs, and that JSON has
// all frames.
func TestStackUntilTheSoftirq(t *testing.T) {
	const receive, last = "    ip_rcv+0x1\n    net_rx_action+0x1\n", "    do_syscall_64+0x1\n"
	for name, test := range map[string]struct {
		frames []event.Frame
		text   string
	}{
		"6.12":                  {frames("ip_rcv", "net_rx_action", "handle_softirqs", "__do_softirq", "do_syscall_64"), receive + "    handle_softirqs+0x1\n    … 2 frames below the softirq\n"},
		"6.1":                   {frames("ip_rcv", "net_rx_action", "__do_softirq", "do_syscall_64"), receive + "    __do_softirq+0x1\n    … 1 frame below the softirq\n"},
		"5.10":                  {frames("ip_rcv", "net_rx_action", "__softirqentry_text_start", "do_syscall_64"), receive + "    __softirqentry_text_start+0x1\n    … 1 frame below the softirq\n"},
		"a compiler's copy":     {frames("ip_rcv", "net_rx_action", "handle_softirqs.isra.0", "do_syscall_64"), receive + "    handle_softirqs.isra.0+0x1\n    … 1 frame below the softirq\n"},
		"nothing below":         {frames("ip_rcv", "net_rx_action", "handle_softirqs"), receive + "    handle_softirqs+0x1\n"},
		"no softirq":            {frames("ip_rcv", "net_rx_action", "do_softirq_own", "do_syscall_64"), receive + "    do_softirq_own+0x1\n" + last},
		"another module's name": {[]event.Frame{{Addr: 1, Symbol: "handle_softirqs", Module: "m", Offset: 1}, frames("do_syscall_64")[0]}, "    handle_softirqs+0x1 [m]\n" + last},
	} {
		e := event.Event{Stack: test.frames}
		if got := string(stackText(nil, &e)); got != test.text {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.text)
		}
		for _, f := range test.frames {
			if got := string(stackJSON(nil, &e)); !strings.Contains(got, `"symbol":"`+f.Symbol+`"`) {
				t.Errorf("%s: %s is missing in JSON: %s", name, f.Symbol, got)
			}
		}
	}
}

func frames(symbols ...string) (list []event.Frame) {
	for _, s := range symbols {
		list = append(list, event.Frame{Addr: 0xffffffff81000001, Symbol: s, Offset: 1})
	}
	return list
}

func TestNoStack(t *testing.T) { checkCell(t, "stack", event.Event{}, "", "null") }
