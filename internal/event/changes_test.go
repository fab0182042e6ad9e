// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

func TestChanges(t *testing.T) {
	var c Changes
	e := Event{Skb: 1, CPU: 2}
	step := func(want Members, what string) {
		t.Helper()
		if got := c.To(&e, OfAll); got != want {
			t.Errorf("%s: %b, want %b", what, got, want)
		}
	}
	step(OfAll, "the first")
	step(0, "the same")
	e.Skb++
	step(OfSkb, "skb")
	e.CPU++
	step(OfCPU, "cpu")
	e.Process.Comm[3] = 'x'
	step(OfProcess, "process")
	e.Meta.Mark = 7
	step(OfMeta, "mark")
	e.Meta.Len = 7
	step(OfLen, "length")
	e.Tuple.TCP.Seq = 7
	step(OfTuple, "tuple")
	e.Tunnel.Tuple.SourcePort = 7
	step(OfTunnel, "tunnel")
	e.Names.Func, e.Addr = "f", 7
	step(0, "what is no member here")
	e.Skb, e.CPU = 0, 0
	if got := c.To(&e, OfCPU); got != OfCPU {
		t.Errorf("what was not asked for: %b", got)
	}
}
