// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"slices"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

var someReasons = map[uint32]string{
	0: "SKB_NOT_DROPPED_YET", 1: "SKB_CONSUMED", 2: "SKB_DROP_REASON_NOT_SPECIFIED", 3: "SKB_DROP_REASON_NO_SOCKET",
	4: "SKB_DROP_REASON_OTHERHOST", 5: "SKB_DROP_REASON_TCP_OLD_DATA", 6: "SKB_DROP_REASON_TCP_OVERWINDOW",
	7: "SKB_DROP_REASON_NETFILTER_DROP", 0x10001: "RX_DROP_M_DUP",
}

func TestReasonsByNameAndNumber(t *testing.T) {
	for name, test := range map[string]struct {
		drop    Drop
		in, out []uint32
	}{
		"nothing":     {},
		"whole names": {drop: Drop{Reasons: []string{"SKB_DROP_REASON_NO_SOCKET", "RX_DROP_M_DUP"}}, in: []uint32{3, 0x10001}},
		"short names": {drop: Drop{Reasons: []string{"no_socket"}, NotReasons: []string{"Netfilter_Drop"}}, in: []uint32{3}, out: []uint32{7}},
		"numbers":     {drop: Drop{Reasons: []string{"3", "0x10002"}}, in: []uint32{3, 0x10002}},
		"not wanted":  {drop: Drop{NotReasons: []string{"2"}}, out: []uint32{2}},
	} {
		var c bpf.Config
		err := test.drop.configure(&c, someReasons)
		in, out := c.ReasonsIn[:c.ReasonInCount], c.ReasonsOut[:c.ReasonOutCount]
		if err != nil || !slices.Equal(in, test.in) || !slices.Equal(out, test.out) {
			t.Errorf("%s: only %v, none of %v (%v); want %v and %v", name, in, out, err, test.in, test.out)
		}
	}
}

func TestUnknownReasonHasNearNames(t *testing.T) {
	for _, d := range []Drop{{Reasons: []string{"no_soket"}}, {NotReasons: []string{"no_soket"}}} {
		err := d.configure(new(bpf.Config), someReasons)
		checkUsage(t, err, `drop reason "no_soket": this kernel has no reason with that name`)
		if hint := err.(usageError).Hint(); hint != "did you mean NO_SOCKET?" {
			t.Errorf("hint %q", hint)
		}
	}
}

func TestKernelWithoutReasons(t *testing.T) {
	if err := (Drop{Reasons: []string{"NO_SOCKET"}}).configure(new(bpf.Config), nil); !errors.Is(err, errNoReasons) {
		t.Errorf("a reason: error %v", err)
	}
	if err := (Drop{Only: true}).configure(new(bpf.Config), nil); err != nil {
		t.Errorf("drops alone: error %v", err)
	}
}

func TestOnlyDropsTakesOneTracepoint(t *testing.T) {
	noFprobe := facts()
	noFprobe.Support[kernel.KprobeMulti] = errNoFprobe
	for backend, want := range map[kernel.Backend]kernel.Backend{"": kernel.TracepointBackend, kernel.Kprobe: kernel.Kprobe} {
		p := mustPlan(t, Options{Backend: backend, Drop: Drop{Only: true}}, noFprobe)
		if p.Backend != want || len(p.Functions) != 0 || !slices.Equal(p.tracepointNames(), []string{"kfree_skb"}) || len(p.Rejected) != 0 {
			t.Errorf("backend %q: %s with functions %v, tracepoints %v, rejected %v", backend, p.Backend, functionNames(p), p.tracepointNames(), p.Rejected)
		}
	}
}

func TestReasonsArePrinted(t *testing.T) {
	p := &Plan{Asked: Options{Settings: bpf.Config{MaxPerSecond: 9, HideBenign: true}, Drop: Drop{Reasons: []string{"NO_SOCKET"}, NotReasons: []string{"7"}}}}
	for _, line := range []string{"reason       NO_SOCKET\n", "not reason   7\n", "not benign   OTHERHOST ", "event limit  9 per second\n"} {
		if countPrinted(t, p, line) == 0 {
			t.Errorf("no line %q", line)
		}
	}
}
