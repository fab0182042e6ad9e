// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestReturn(t *testing.T) {
	for _, test := range []struct {
		result        event.Result
		ns            uint64
		text, members string
	}{
		{event.Result{Class: event.SignedResult, Name: "NET_RX_SUCCESS"}, 12345, "ip_rcv=0(NET_RX_SUCCESS) took=12.3us", `{"value":0,"name":"NET_RX_SUCCESS"}`},
		{event.Result{Class: event.SignedResult, Value: ^uint64(0)}, 999, "ip_rcv=-1 took=999ns", `{"value":-1,"name":null}`},
		{event.Result{Class: event.UnsignedResult, Value: 1 << 63}, 1000, "ip_rcv=9223372036854775808 took=1.0us", `{"value":9223372036854775808,"name":null}`},
		{event.Result{Class: event.PointerResult, Name: "NULL"}, 1999999, "ip_rcv=0x0(NULL) took=1.9ms", `{"value":"0x0","name":"NULL"}`},
		{event.Result{}, 12e9, "ip_rcv=void took=12.0s", `{"value":null,"name":null}`},
	} {
		e := event.Event{Kind: event.Return, Addr: 0xff10, Return: event.Returned{Duration: test.ns}}
		e.Names = event.Names{Func: "ip_rcv", Result: test.result}
		checkCell(t, "func", e, test.text, `"ip_rcv"`)
		checkCell(t, "return", e, "", test.members)
		checkCell(t, "addr", e, "", `"0xff10"`)
		e.Names.Module = "bridge"
		checkCell(t, "func", e, test.text+" [bridge]", `"ip_rcv"`)
	}
}

func TestReturnOfAnEntry(t *testing.T) {
	e := event.Event{Kind: event.Function, Names: event.Names{Func: "ip_rcv"}}
	checkCell(t, "func", e, "ip_rcv", `"ip_rcv"`)
	checkCell(t, "return", e, "", "null")
	checkCell(t, "duration_ns", e, "", "null")
	e.Kind, e.Return.Duration = event.Return, 77
	checkCell(t, "duration_ns", e, "", "77")
}
