// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/attach"
	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/event"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// lines returns the lines of the notices, without the status.
func lines(debug bool, do func(*Notifier)) string {
	var b strings.Builder
	do(New(func(n Notice) {
		if n.Severity != Status {
			b.WriteString(n.Line() + "\n")
		}
	}, Options{Debug: debug, Began: time.Now()}))
	return b.String()
}

func compiled(t *testing.T, expr string) *filter.Program {
	t.Helper()
	f, err := filter.Compile(expr)
	if err != nil {
		t.Fatal(err)
	}
	return f
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
			"traced 3 events of 3 packets in 0.0s, 0 lost\n1 drop: 1 × b\nbenign: 2 × NO_SOCKET\n",
		},
		{
			event.Totals{HiddenReasons: []event.ReasonCount{{Name: "SKB_DROP_REASON_OTHERHOST", Count: 3}, {Name: "SKB_DROP_REASON_NO_SOCKET", Count: 1}}},
			"traced 0 events of 0 packets in 0.0s, 0 lost\nhidden: 3 × OTHERHOST, 1 × NO_SOCKET\n",
		},
		{event.Totals{Printed: 5, Packets: 2, Suppressed: 7, Missed: 2}, "traced 5 events of 2 packets in 0.0s, 0 lost, 7 withheld, 2 probe hits missed\n"},
	} {
		if got := lines(false, func(n *Notifier) { n.Summary(test.totals) }); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestSummaryCountsFragmentsWithoutPorts(t *testing.T) {
	for expr, want := range map[string]string{
		"udp port 53": "traced 1 event of 1 packet in 0.0s, 0 lost, 2 dropped fragments without ports not matched\n",
		"udp":         "traced 1 event of 1 packet in 0.0s, 0 lost\n",
	} {
		f := compiled(t, expr)
		got := lines(false, func(n *Notifier) {
			n.plan = &plan.Plan{Asked: plan.Options{Filter: f}}
			n.Summary(event.Totals{Printed: 1, Packets: 1, Headless: 2})
		})
		if got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func TestBackendLineExplainsWorseBackends(t *testing.T) {
	p := &plan.Plan{Backend: kernel.Kprobe, Rejected: []plan.Rejected{{Backend: kernel.KprobeMulti, Reason: errors.New("no fprobe")}}}
	if got, want := lines(false, func(n *Notifier) { n.Planned(&kernel.Facts{}, p) }), "backend kprobe (not kprobe-multi: no fprobe)\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestUnknownCausesAreNoted checks that a note says that causes are unknown only where causes are wanted and nothing probes.
func TestUnknownCausesAreNoted(t *testing.T) {
	asked := plan.Options{Why: []string{"route"}}
	for _, test := range []struct {
		plan  plan.Plan
		noted bool
	}{
		{plan.Plan{Backend: kernel.TracepointBackend, Asked: asked}, true},
		{plan.Plan{Backend: kernel.TracepointBackend, Prober: kernel.Kprobe, Asked: asked}, false},
		{plan.Plan{Backend: kernel.TracepointBackend}, false},
	} {
		got := lines(false, func(n *Notifier) { n.Planned(&kernel.Facts{}, &test.plan) })
		if strings.Contains(got, "no function can be probed") != test.noted {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestDebugNamesUntracedFunctions(t *testing.T) {
	facts := &kernel.Facts{ListReadable: errors.New("no tracefs"), NotDescribed: errors.New("no layout"), Skipped: []kernel.Skipped{{Name: "twin", Reason: "two of them"}, {Name: "other", Reason: "two of them"}}}
	got := lines(true, func(n *Notifier) { n.Planned(facts, &plan.Plan{Backend: kernel.Kprobe}) })
	want := "backend kprobe\ndebug: list of traceable functions: no tracefs\ndebug: drops by nftables are not explained, since the kernel does not describe its types: no layout\ndebug: not traceable: two of them (2): twin other\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestProgressIsAStatus checks that the progress is not printed as a line. It runs with a fake clock.
func TestProgressIsAStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := lines(false, func(n *Notifier) {
			n.Planned(&kernel.Facts{}, &plan.Plan{Backend: kernel.Kprobe, Functions: make([]kernel.Function, 3), Tracepoints: make([]plan.Tracepoint, 1)})
			for done := range 5 {
				n.Progress(done, 4)
			}
			time.Sleep(1300 * time.Millisecond)
			n.Attached(&attach.Session{Skipped: []attach.Skipped{{Name: "gone", Reason: errors.New("refused")}}})
		})
		want := "backend kprobe\nattached to 2 functions and 1 tracepoint in 1.3s (the kernel refused 1, --debug names them)\n"
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestUnreadablePagesAreAWarning(t *testing.T) {
	const said = "backend kprobe\nwarning: the filter does not see bytes in page fragments, where TCP keeps its payload: no kcore\n"
	facts := &kernel.Facts{PagesUnknown: errors.New("no kcore")}
	for expr, want := range map[string]string{"icmp": "backend kprobe\n", "ether[200] = 1": said} {
		program, err := filter.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		p := &plan.Plan{Backend: kernel.Kprobe, Asked: plan.Options{Filter: program}}
		if got := lines(false, func(n *Notifier) { n.Planned(facts, p) }); got != want {
			t.Errorf("%q: %q, want %q", expr, got, want)
		}
	}
}

// TestUnknownTypesAreAWarning checks kernels with and without struct nf_conn.
func TestUnknownTypesAreAWarning(t *testing.T) {
	p := &plan.Plan{Backend: kernel.Kprobe, BPF: bpf.Spec{Config: bpf.Config{Conntrack: true, Netfilter: true}}}
	got := lines(false, func(n *Notifier) { n.UnknownTypes(p, specOf(t, &btf.Struct{Name: "nf_hook_state"})) })
	for _, want := range []string{"CONNTRACK shows only the state of each packet: this kernel's BTF has no struct nf_conn", "NETFILTER shows no tables: they are in modules, see --kmods"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	p.BPF.Programs = []bpf.Program{{HookCall: bpf.HookCall{State: 3, Object: 1, Kind: bpf.HookNFT}}}
	known := specOf(t, &btf.Struct{Name: "nf_conn", Size: 8})
	if got := lines(false, func(n *Notifier) { n.UnknownTypes(p, known); n.UnknownTypes(&plan.Plan{}) }); got != "" {
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

// TestFtraceDisabledMattersForFunctions checks that there is no warning with only tracepoints.
func TestFtraceDisabledMattersForFunctions(t *testing.T) {
	for number, want := range map[int]bool{0: false, 1: true} {
		got := lines(false, func(n *Notifier) { n.ftraceDisabled(&plan.Plan{Functions: make([]kernel.Function, number)}) })
		if strings.Contains(got, "kernel.ftrace_enabled is 0") != want {
			t.Errorf("%d functions: %q", number, got)
		}
	}
}

func TestUnseenIsListed(t *testing.T) {
	got := lines(false, func(n *Notifier) {
		n.Summary(event.Totals{Duration: 1e9, Unseen: []event.Unseen{{Key: "a", Text: "later fragments"}, {Key: "b", Text: "drops"}}})
	})
	const want = "traced 0 events of 0 packets in 1.0s, 0 lost\nno event does not mean that there was no such packet. Not looked at:\n  later fragments\n  drops\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNarrowTerminals(t *testing.T) {
	usual := column.Options{Meta: true, Tuple: true}
	for _, c := range []struct {
		columns column.Options
		width   int
		want    string
	}{
		{usual, 0, ""},
		{usual, 300, ""},
		{usual, 80, "note: no room for CPU, PROCESS, NETNS, MARK/x, PROTO, MTU, LEN in 80 columns: --output-columns default shows all\n"},
		{column.Options{Timestamp: column.Relative}, 20, "note: no room for SKB, CPU, PROCESS, SINCE-LAST in 20 columns: --output-columns default shows all\n"},
		{column.Options{Chosen: []string{"func", "len"}}, 80, ""},
		{column.Options{Chosen: []string{"func", "tuple"}}, 39, "note: no room for all of --output-columns in 39 columns: rows wrap\n"},
	} {
		if got := lines(false, func(n *Notifier) { n.Narrow(c.columns, c.width) }); got != c.want {
			t.Errorf("%d cells: %q, want %q", c.width, got, c.want)
		}
	}
}

// TestFieldsOfNotices checks the data of notices for programs.
func TestFieldsOfNotices(t *testing.T) {
	fields := map[string][]Field{}
	n := New(func(n Notice) { fields[n.Key] = n.Fields }, Options{})
	n.Planned(&kernel.Facts{}, &plan.Plan{Backend: kernel.Kprobe, Functions: make([]kernel.Function, 3)})
	n.Attached(&attach.Session{})
	n.HiddenSockets([]uint32{7})
	n.Summary(event.Totals{Printed: 4})
	for key, want := range map[string]Field{
		"backend":        {"backend", "kprobe"},
		"attached":       {"functions", 3},
		"hidden_sockets": {"pids", []uint32{7}},
		"summary":        {"totals", event.Totals{Printed: 4}},
	} {
		if len(fields[key]) == 0 || !cmp.Equal(fields[key][0], want) {
			t.Errorf("%s: %+v, want %+v", key, fields[key], want)
		}
	}
}
