// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/attach"
	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

func tell(debug bool, do func(*teller)) string {
	var b bytes.Buffer
	do(newTeller(Config{Stderr: &b, Debug: debug}, time.Now()))
	return b.String()
}

func TestSummary(t *testing.T) {
	for _, test := range []struct {
		totals event.Totals
		want   string
	}{
		{event.Totals{Printed: 118, Packets: 4, Duration: 5.2e9}, "traced 118 events of 4 packets in 5.2s, 0 lost\n"},
		{event.Totals{Printed: 1, Packets: 1, Lost: [event.LossCauses]uint64{3}}, "traced 1 event of 1 packet in 0.0s, 3 lost\n"},
		{event.Totals{Printed: 2, Packets: 1, Dropped: 2, DropReasons: []event.ReasonCount{{Name: "SKB_DROP_REASON_NO_SOCKET", Count: 2}}}, "traced 2 events of 1 packet in 0.0s, 0 lost\n2 drops: 2 × NO_SOCKET\n"},
		{event.Totals{WithoutNetns: 2}, "traced 0 events of 0 packets in 0.0s, 0 lost\nnot shown: 2 events whose network namespace is unknown (--filter-netns)\n"},
		{event.Totals{WithoutIfname: 1}, "traced 0 events of 0 packets in 0.0s, 0 lost\nnot shown: 1 event whose interface is unknown (--filter-ifname)\n"},
		{
			event.Totals{Printed: 3, Packets: 3, Dropped: 1, DropReasons: []event.ReasonCount{{Name: "b", Count: 1}}, BenignReasons: []event.ReasonCount{{Name: "SKB_DROP_REASON_NO_SOCKET", Count: 2}}},
			"traced 3 events of 3 packets in 0.0s, 0 lost\n1 drop: 1 × b\nbenign: NO_SOCKET 2\n",
		},
		{
			event.Totals{HiddenReasons: []event.ReasonCount{{Name: "SKB_DROP_REASON_OTHERHOST", Count: 3}, {Name: "SKB_DROP_REASON_NO_SOCKET", Count: 1}}},
			"traced 0 events of 0 packets in 0.0s, 0 lost\nhidden: OTHERHOST 3, NO_SOCKET 1\n",
		},
		{event.Totals{Printed: 5, Packets: 2, Suppressed: 7, Missed: 2}, "traced 5 events of 2 packets in 0.0s, 0 lost, 7 suppressed, 2 probe hits missed\n"},
	} {
		if got := tell(false, func(l *teller) { l.summary(test.totals) }); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestSummaryTellsOfFragmentsWithoutPorts(t *testing.T) {
	for expr, want := range map[string]string{
		"udp port 53": "traced 1 event of 1 packet in 0.0s, 0 lost, 2 dropped fragments without ports not matched\n",
		"udp":         "traced 1 event of 1 packet in 0.0s, 0 lost\n",
	} {
		f := compiled(t, expr)
		got := tell(false, func(l *teller) {
			l.plan = &plan.Plan{Asked: plan.Options{Filter: f}}
			l.summary(event.Totals{Printed: 1, Packets: 1, Headless: 2})
		})
		if got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func TestBackendLineSaysWhyNotABetterOne(t *testing.T) {
	p := &plan.Plan{Backend: kernel.Kprobe, Rejected: []plan.Rejected{{Backend: kernel.KprobeMulti, Reason: errors.New("no fprobe")}}}
	if got, want := tell(false, func(l *teller) { l.planned(&kernel.Facts{}, p) }), "backend kprobe (not kprobe-multi: no fprobe)\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDebugNamesWhatIsNotTraced(t *testing.T) {
	facts := &kernel.Facts{ListReadable: errors.New("no tracefs"), Skipped: []kernel.Skipped{{Name: "twin", Reason: "two of them"}, {Name: "other", Reason: "two of them"}}}
	got := tell(true, func(l *teller) { l.planned(facts, &plan.Plan{Backend: kernel.Kprobe}) })
	want := "backend kprobe\ndebug: list of traceable functions: no tracefs\ndebug: not traceable: two of them (2): twin other\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestNoMovingLineInALog: without a terminal there are only whole lines. Time is that of a test
// bubble.
func TestNoMovingLineInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := tell(false, func(l *teller) {
			l.planned(&kernel.Facts{}, &plan.Plan{Backend: kernel.Kprobe, Functions: make([]kernel.Function, 3), Tracepoints: make([]plan.Tracepoint, 1)})
			for done := range 5 {
				l.progress(done, 4)
			}
			time.Sleep(1300 * time.Millisecond)
			l.attached(&attach.Session{Skipped: []attach.Skipped{{Name: "gone", Reason: errors.New("refused")}}})
		})
		want := "backend kprobe\nattached to 2 functions and 1 tracepoint in 1.3s (the kernel refused 1, --debug names them)\n"
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestAWarningWhereTheFilterMissesBytes(t *testing.T) {
	const said = "backend kprobe\nwarning: the filter does not see bytes in page fragments, where TCP keeps its payload: no kcore\n"
	facts := &kernel.Facts{PagesUnknown: errors.New("no kcore")}
	for expr, want := range map[string]string{"icmp": "backend kprobe\n", "ether[200] = 1": said} {
		program, err := filter.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		p := &plan.Plan{Backend: kernel.Kprobe, Asked: plan.Options{Filter: program}}
		if got := tell(false, func(l *teller) { l.planned(facts, p) }); got != want {
			t.Errorf("%q: %q, want %q", expr, got, want)
		}
	}
}

// TestUnknownTypesAreTold: the kernel has struct nf_conn, or has not.
func TestUnknownTypesAreTold(t *testing.T) {
	p := &plan.Plan{Backend: kernel.Kprobe, BPF: bpf.Spec{Config: bpf.Config{Conntrack: true, Netfilter: true}}}
	got := tell(false, func(l *teller) { l.unknown(p, specOf(t, &btf.Struct{Name: "nf_hook_state"})) })
	for _, want := range []string{"CONNTRACK shows only the state of each packet: this kernel's BTF has no struct nf_conn", "NETFILTER shows no tables: they are in modules, see --kmods"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	p.BPF.Programs = []bpf.Program{{HookCall: bpf.HookCall{State: 3, Object: 1, Kind: bpf.HookNFT}}}
	known := specOf(t, &btf.Struct{Name: "nf_conn", Size: 8})
	if got := tell(false, func(l *teller) { l.unknown(p, known); l.unknown(&plan.Plan{}) }); got != "" {
		t.Errorf("%q, want nothing", got)
	}
}

func specOf(t *testing.T, types ...btf.Type) *btf.Spec {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestFtraceDisabledMattersForFunctions: tracepoints do not need it.
func TestFtraceDisabledMattersForFunctions(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: true} {
		var w strings.Builder
		newTeller(Config{Stderr: &w}, began).ftraceDisabled(&plan.Plan{Functions: make([]kernel.Function, n)})
		if got := strings.Contains(w.String(), "kernel.ftrace_enabled is 0"); got != want {
			t.Errorf("%d functions: %q", n, w.String())
		}
	}
}
