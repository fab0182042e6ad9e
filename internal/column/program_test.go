// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strings"
	"testing"

	"tracer/internal/event"
)

func TestProgram(t *testing.T) {
	b := event.BPF{ID: 17, Name: "cil_from_netdev", Tag: "4fab691aaa29bdc5", Kind: "tc", Type: "sched_cls", Addr: 0xff10}
	e := event.Event{Kind: event.Program, Names: event.Names{Func: b.Name}, BPF: &b}
	const object = `{"id":17,"name":"cil_from_netdev","tag":"4fab691aaa29bdc5","type":"sched_cls","tail_called":false}`
	checkCell(t, "func", e, "cil_from_netdev[bpf](tc)", `"cil_from_netdev"`)
	checkCell(t, "program", e, "", object)
	checkCell(t, "verdict", e, "", "null")
	checkCell(t, "duration_ns", e, "", "null")
	checkCell(t, "addr", e, "", `"0xff10"`)

	e.TailCalled = true
	checkCell(t, "func", e, "cil_from_netdev[bpf](tc),tail-called", `"cil_from_netdev"`)
	checkCell(t, "program", e, "", strings.Replace(object, "false", "true", 1))

	e.Kind, e.Return.Duration, e.TailCalled = event.Verdict, 1500, false
	e.Names.Result = event.Result{Class: event.SignedResult, Value: 2, Name: "TC_ACT_SHOT"}
	checkCell(t, "func", e, "cil_from_netdev[bpf](tc)=2(TC_ACT_SHOT) took=1.5us", `"cil_from_netdev"`)
	checkCell(t, "program", e, "", object)
	checkCell(t, "verdict", e, "", `{"value":2,"name":"TC_ACT_SHOT"}`)
	checkCell(t, "return", e, "", "null")
	checkCell(t, "duration_ns", e, "", "1500")
}

func TestUnknownProgram(t *testing.T) {
	e := event.Event{Kind: event.Program, BPF: &event.BPF{ID: 17}}
	checkCell(t, "func", e, "id:17[bpf]", `"id:17"`)
	checkCell(t, "program", e, "", `{"id":17,"name":null,"tag":null,"type":null,"tail_called":false}`)
	checkCell(t, "addr", e, "", "null")
}

func TestNoProgram(t *testing.T) {
	e := event.Event{Kind: event.Return, Names: event.Names{Func: "ip_rcv"}}
	checkCell(t, "program", e, "", "null")
	checkCell(t, "verdict", e, "", "null")
}
