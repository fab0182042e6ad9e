// SPDX-License-Identifier: Apache-2.0

package column

import (
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

func TestNoStack(t *testing.T) { checkCell(t, "stack", event.Event{}, "", "null") }
