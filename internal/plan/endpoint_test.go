// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

func TestEndpointsAreThoseOfTheFunctions(t *testing.T) {
	f := facts()
	f.Functions = append(f.Functions,
		kernel.Function{Name: "tcp_rcv_established", Addr: 0x400, SkbArg: 2, SocketArg: 1},
		kernel.Function{Name: "ip_local_out", Addr: 0x500, SkbArg: 3, SocketArg: 2, NetArg: 1},
		kernel.Function{Name: "sock_def_readable", Addr: 0x600, SocketArg: 1}, // takes no skb
	)
	p := mustPlan(t, Options{Backend: kernel.Kprobe}, f)
	want := map[uint64]bpf.EndpointArguments{0x400: {Sk: 1}, 0x500: {Net: 1, Sk: 2}}
	if diff := cmp.Diff(want, p.BPF.Endpoints); diff != "" {
		t.Error(diff)
	}
}

func TestTracepointKnowsItsSocket(t *testing.T) {
	f := facts()
	f.Tracepoints[0].SocketArg = 3
	p := mustPlan(t, Options{Backend: kernel.TracepointBackend, Func: "tp:kfree_skb"}, f)
	if got := p.BPF.Programs[0].Tracepoint.Socket; got != 3 {
		t.Errorf("socket is argument %d, want 3", got)
	}
}

// TestLastDeviceIsTrusted checks that the last device is used only if each change of namespace is seen.
func TestLastDeviceIsTrusted(t *testing.T) {
	withArrivals, withCrossing := facts(), facts()
	withArrivals.Tracepoints = append(withArrivals.Tracepoints, kernel.Tracepoint{Name: arrivals})
	withCrossing.FuncRanges = []kernel.FuncRange{{Name: crossing, Addr: 0x700}}
	for _, test := range []struct {
		name    string
		options Options
		facts   *kernel.Facts
		want    bool
	}{
		{"functions", Options{Backend: kernel.Kprobe}, withCrossing, true},
		{"functions without crossing", Options{Backend: kernel.Kprobe}, facts(), false},
		{"tracepoints", Options{Backend: kernel.TracepointBackend}, withArrivals, true},
		{"one tracepoint", Options{Backend: kernel.TracepointBackend, Func: "tp:kfree_skb"}, withArrivals, false},
	} {
		test.options.Follow.IDs = true
		if got := mustPlan(t, test.options, test.facts).BPF.Config.LastDevice; got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if mustPlan(t, Options{Backend: kernel.Kprobe}, withCrossing).BPF.Config.LastDevice {
		t.Error("packets that are not followed have a last device")
	}
}
