// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/ktest"
	"tracer/internal/plan"
)

// tracepointPlan returns a plan with the tracepoint backend, which every kernel supports.
func tracepointPlan(t *testing.T) (*plan.Plan, Options) {
	t.Helper()
	ktest.Root(t)
	facts, err := kernel.Gather(t.Context(), kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(plan.Options{Backend: kernel.TracepointBackend, Settings: bpf.Config{Meta: true}, RingSize: 1 << 16}, facts)
	if err != nil {
		t.Fatal(err)
	}
	return p, Options{KernelTypes: facts.BTF}
}

func open(t *testing.T, p *plan.Plan, o Options) *Session {
	t.Helper()
	s, err := Open(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sendAndCount sends a packet over loopback, and returns the number of events that have matched so far.
func sendAndCount(t *testing.T, s *Session) uint64 {
	t.Helper()
	home := netip.MustParseAddr("127.0.0.1")
	if err := (ktest.UDP{From: netip.AddrPortFrom(home, 0), To: netip.AddrPortFrom(home, 9)}).Send(1); err != nil {
		t.Fatal(err)
	}
	counts, err := s.Counts()
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, c := range counts {
		sum += c.Matched
	}
	return sum
}

func run(t *testing.T, s *Session, on bool) {
	t.Helper()
	if err := s.Run(on); err != nil {
		t.Fatal(err)
	}
}

func TestEventsFlowOnlyWhileRunning(t *testing.T) {
	p, o := tracepointPlan(t)
	s := open(t, p, o)
	defer s.Close()
	if n := sendAndCount(t, s); n != 0 {
		t.Errorf("%d events before the start", n)
	}
	run(t, s, true)
	during := sendAndCount(t, s)
	if during == 0 {
		t.Error("no event while running")
	}
	run(t, s, false)
	stopped := sendAndCount(t, s)
	if again := sendAndCount(t, s); again != stopped {
		t.Errorf("%d events after the stop", again-stopped)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	p, o := tracepointPlan(t)
	noDescriptorsLeft(t)
	s := open(t, p, o)
	if descriptors(t) < len(p.Tracepoints) {
		t.Errorf("%d descriptors for %d tracepoints: the test does not count them", descriptors(t), len(p.Tracepoints))
	}
	if s.Attached != len(p.Tracepoints) || len(s.Skipped) != 0 {
		t.Errorf("attached %d of %d, skipped %v", s.Attached, len(p.Tracepoints), s.Skipped)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestProgressReachesTheTotal(t *testing.T) {
	p, o := tracepointPlan(t)
	var steps []int
	o.Progress = func(done, total int) {
		if total != len(p.Tracepoints) {
			t.Errorf("total %d, want %d", total, len(p.Tracepoints))
		}
		steps = append(steps, done)
	}
	open(t, p, o).Close()
	if !slices.IsSorted(steps) || len(steps) == 0 || steps[len(steps)-1] != len(p.Tracepoints) {
		t.Errorf("steps %v", steps)
	}
}

func TestAnEndedContextLeavesNothingBehind(t *testing.T) {
	p, o := tracepointPlan(t)
	noDescriptorsLeft(t)
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}
	if _, err := Open(ctx, p, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAMissingTracepointIsSkippedByName(t *testing.T) {
	p, o := tracepointPlan(t)
	p.Tracepoints[0].Name = "no_such_tracepoint"
	s := open(t, p, o)
	defer s.Close()
	if len(s.Skipped) != 1 || s.Skipped[0].Name != "tp:no_such_tracepoint" || s.Attached != len(p.Tracepoints)-1 {
		t.Errorf("attached %d, skipped %v", s.Attached, s.Skipped)
	}
}

func TestNothingAttachedIsAnError(t *testing.T) {
	p, o := tracepointPlan(t)
	p.Tracepoints = p.Tracepoints[:1]
	p.Tracepoints[0].Name = "no_such_tracepoint"
	noDescriptorsLeft(t)
	s, err := Open(t.Context(), p, o)
	if err == nil {
		s.Close()
		t.Fatal("a session with nothing attached")
	}
	if !strings.Contains(err.Error(), `"tp:no_such_tracepoint"`) {
		t.Errorf("error %v does not name what was refused", err)
	}
}

func TestKprobesFailOnAKernelWithoutThem(t *testing.T) {
	ktest.Root(t)
	facts, err := kernel.Gather(t.Context(), kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if facts.Support[kernel.Kprobe] == nil {
		t.Skip("this kernel has kprobes")
	}
	facts.Support[kernel.Kprobe] = nil
	p, err := plan.New(plan.Options{Backend: kernel.Kprobe, Func: "ip_rcv"}, facts)
	if err != nil {
		t.Fatal(err)
	}
	noDescriptorsLeft(t)
	if s, err := Open(t.Context(), p, Options{KernelTypes: facts.BTF}); err == nil {
		s.Close()
		t.Error("kprobes were attached to a kernel without kprobes")
	}
}

// TestEveryBackendAttaches checks that each backend that probes functions, and each way to trace returns
// by a link of its own, has an attach function.
func TestEveryBackendAttaches(t *testing.T) {
	for _, b := range kernel.Backends {
		if (backends[b] != nil) != b.Describe().Functions {
			t.Errorf("backend %q: probes functions: %v, attaches: %v", b, b.Describe().Functions, backends[b] != nil)
		}
	}
	for _, way := range kernel.ReturnWays() {
		if (returnWays[way] != nil) == way.Describe().WithEntries {
			t.Errorf("returns by %q: with entries: %v, attaches: %v", way, way.Describe().WithEntries, returnWays[way] != nil)
		}
	}
}

// TestRefusedNoSkbFuncsAreAnError checks that it is an error if the kernel refuses all functions without an skb
// of one program, even if functions with an skb are attached.
func TestRefusedNoSkbFuncsAreAnError(t *testing.T) {
	refused := errors.New("not here")
	helpers := plan.Group{Program: "kprobe_no_skb", Functions: []kernel.Function{{Name: "bpf_redirect", Addr: 1}, {Name: "bpf_skb_store_bytes", Addr: 2}}}
	updates := plan.Group{Program: "kprobe_map_update", Functions: []kernel.Function{{Name: "htab_map_update_elem", Addr: 3}}}
	skbs := plan.Group{Program: "kprobe_skb_1", Functions: []kernel.Function{{Name: "ip_rcv", Addr: 4}, {Name: "tcp_v4_rcv", Addr: 5}}}
	p := &plan.Plan{Backend: kernel.Kprobe, Groups: []plan.Group{skbs, helpers, updates}}
	for _, test := range []struct {
		skipped []kernel.Function
		want    string
	}{
		{nil, ""},
		{slices.Concat(skbs.Functions, helpers.Functions[1:]), ""},
		{helpers.Functions, `backend "kprobe": the kernel refused every function without an skb, for example "bpf_redirect": not here`},
		{updates.Functions, `backend "kprobe": the kernel refused every function without an skb, for example "htab_map_update_elem": not here`},
	} {
		s := &Session{Attached: 1}
		for _, f := range test.skipped {
			s.skip(Skipped{Name: f.Name, Addr: f.Addr, Reason: refused})
		}
		err := s.checkNoSkbFuncs(p)
		if text := fmt.Sprint(err); test.want == "" && err != nil || test.want != "" && (text != test.want || !errors.Is(err, refused)) {
			t.Errorf("refused %v: %v, want %q", test.skipped, err, test.want)
		}
	}
}

// TestSilentFunctions checks which refused functions would have emitted no events. Of the functions with an
// operation on followed packets, the traced ones would have emitted some, except with --drop.
func TestSilentFunctions(t *testing.T) {
	traced, followed, hook := kernel.Function{Name: "skb_free_head", Addr: 1}, kernel.Function{Name: "skb_release_data", Addr: 2}, kernel.Function{Name: "nf_hook_slow", Addr: 3}
	for _, onlyDrops := range []bool{false, true} {
		p := &plan.Plan{BPF: bpf.Spec{Config: bpf.Config{OnlyDrops: onlyDrops}, SkbOps: map[uint64]bpf.SkbOp{1: {Shown: 1}, 2: {}}}}
		for _, c := range []struct {
			program  string
			function kernel.Function
			silent   bool
		}{
			{"kprobe_skb_1", hook, onlyDrops},
			{bpf.SkbOpTemplate, traced, onlyDrops},
			{bpf.SkbOpTemplate, followed, true},
			{bpf.AllocTemplate, traced, true},
			{bpf.HookTemplate, hook, true},
		} {
			s := &Session{}
			s.entries(p, plan.Group{Program: c.program}).skipped(c.function, errors.New("refused"))
			if got := s.Skipped[0].Silent; got != c.silent {
				t.Errorf("%s of %s, only drops %v: silent %v, want %v", c.program, c.function.Name, onlyDrops, got, c.silent)
			}
		}
	}
}

// noDescriptorsLeft fails the test at its end if descriptors of programs, maps, links or probes are still
// open. All of these live as long as their descriptors.
func noDescriptorsLeft(t *testing.T) {
	t.Helper()
	before := descriptors(t)
	t.Cleanup(func() {
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors of BPF or probes, %d before", after, before)
		}
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, f := range files {
		name, _ := os.Readlink("/proc/self/fd/" + f.Name())
		if strings.Contains(name, "bpf") || strings.Contains(name, "perf_event") {
			count++
		}
	}
	return count
}

type closer func() error

func (c closer) Close() error { return c() }

func TestCloseAllClosesEachOnceAndJoinsErrors(t *testing.T) {
	var closed atomic.Int64
	broken := errors.New("broken")
	links := make([]io.Closer, 3*closers)
	for i := range links {
		links[i] = closer(func() error {
			closed.Add(1)
			if i == 100 {
				return broken
			}
			return nil
		})
	}
	if err := closeAll(links); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if n := closed.Load(); n != int64(len(links)) {
		t.Errorf("%d closed, want %d", n, len(links))
	}
}
