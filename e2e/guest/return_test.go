// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// returned is the JSON object of a function's return.
type returned struct {
	Value json.RawMessage `json:"value"`
	Name  *string         `json:"name"`
}

// number returns the bits of the value, and false if the function returns void.
func (r *returned) number(t *testing.T) (uint64, bool) {
	t.Helper()
	text := strings.Trim(string(r.Value), `"`)
	if text == "null" {
		return 0, false
	}
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		t.Errorf("returned value %s", r.Value)
	}
	return uint64(n), true
}

func (r record) isReturn() bool { return r.Type == "return" }

func isReturn(r *record) bool { return r.Type == "return" }

func isEntry(r *record) bool { return r.Type == "function" }

// results returns the distinct names of a function's return values, or the values if they have no name.
func (rs records) results(function string) []string {
	set := map[string]bool{}
	for _, r := range rs.that(isReturn, in(function)) {
		name := string(r.Return.Value)
		if r.Return.Name != nil {
			name = *r.Return.Name
		}
		set[name] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// needFunctions returns the function backends, and skips the test if only tracepoints can be traced.
func needFunctions(t *testing.T) []string {
	t.Helper()
	list := slices.DeleteFunc(slices.Clone(backends()), func(b string) bool { return b == tracepoint })
	if len(list) == 0 {
		t.Skip("this kernel has no kprobes")
	}
	return list
}

// functionBackends returns the function backends to test on this machine: only the best one if BRIEF is set,
// since each is the best on some machine, and TestBackend covers their differences on all machines.
func functionBackends(t *testing.T) []string {
	t.Helper()
	list := needFunctions(t)
	if isBrief() {
		return list[:1]
	}
	return list
}

// isBrief reports whether to test only the best backend.
func isBrief() bool { return os.Getenv("BRIEF") != "" }

// isQuick reports whether the run is of the quick tier.
func isQuick() bool { return os.Getenv("QUICK") != "" }

// returnWay is a backend with a method to trace returns; an empty method means the best.
type returnWay struct{ backend, by string }

func (w returnWay) flags() []string {
	flags := []string{"--backend", w.backend, "--output-return"}
	if w.by != "" {
		flags = append(flags, "--returns-by", w.by)
	}
	return flags
}

// eachReturnWay runs a test with each method to trace returns that this kernel supports.
func eachReturnWay(t *testing.T, test func(*testing.T, returnWay)) {
	ways := []returnWay{{kprobe, "kretprobe"}}
	if slices.Contains(needFunctions(t), kprobeMulti) {
		ways = append(ways, returnWay{kprobeMulti, "kretprobe-multi"})
	}
	if hasSessions(t) {
		ways = append(ways, returnWay{kprobeMulti, session})
	}
	for _, w := range ways {
		t.Run(w.backend+"/"+w.by, func(t *testing.T) { test(t, w) })
	}
}

// session is the best method: one link for entry and return.
const session = "kprobe-session"

// eachBackend runs a test with the best method to trace returns of each backend.
func eachBackend(t *testing.T, test func(*testing.T, returnWay)) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) { test(t, returnWay{backend: backend}) })
	}
}

// hasSessions reports whether this kernel has kprobe sessions, by the kfunc that programs use in them.
func hasSessions(t *testing.T) bool {
	t.Helper()
	return slices.Contains(needFunctions(t), kprobeMulti) && describes("bpf_session_is_return")
}

// TestBestReturnMethodIsChosen checks that tracer chooses the best method to trace returns: a kprobe session if the
// kernel supports it, as all machines with kprobe-multi do.
func TestBestReturnMethodIsChosen(t *testing.T) {
	needFunctions(t)
	want := map[string]string{kprobe: "kretprobe", kprobeMulti: session}[chosen()]
	if want == session && !hasSessions(t) {
		if isDedicated() {
			t.Fatal("the machine's kernel has no kprobe sessions")
		}
		want = "kretprobe-multi"
	}
	n := ktest.NewNetns(t, "a")
	p := start(t, "--debug", "--output-return", "--timestamp", "absolute", "--filter-func", "ip_rcv|kfree_skb.*", "icmp")
	ping(t, n, "127.0.0.1", 0x3102)
	tr := p.stop()
	tr.eachEntryReturned(t)
	tr.events.that(isReturn, in("ip_rcv")).present(t, "returns")
	if line := "debug: returns are traced by " + want; !regexp.MustCompile(`(?m)^` + line + `( \(|$)`).MatchString(p.stderr()) {
		t.Errorf("stderr does not say %q: %s", line, p.stderr())
	}
}

// pinged are functions that a ping over loopback passes, some of which return void or a pointer.
var pinged = []string{"ip_rcv", "ip_local_deliver", "icmp_rcv", "ip_rcv_core", "raw_local_deliver", "skb_clone"}

// pingedTwice are functions that still run for the request when they are called for the reply. Without kprobe-multi, on
// a kernel without preemption, the returns of only as many concurrent calls of a function are traced as there are CPUs.
var pingedTwice = []string{"ip_output", "ip_finish_output2"}

// pingedFunctions returns the functions whose returns can all be traced.
func pingedFunctions() []string {
	if runtime.NumCPU() == 1 {
		return pinged
	}
	return slices.Concat(pinged, pingedTwice)
}

// returnsOfPing traces the functions of a ping, while begin and end switch the kernel's own tracing on and off. It
// returns the return events, and all events.
func returnsOfPing(t *testing.T, way returnWay, begin, end func()) (returns, all records) {
	t.Helper()
	n := ktest.NewNetns(t, "a")
	p := start(t, append(way.flags(), "--timestamp", "absolute", "--filter-func", strings.Join(pingedFunctions(), "|"), "--filter-netns", n.Path, "icmp")...)
	begin()
	ping(t, n, "127.0.0.1", 0x3101)
	end()
	tr := p.stop()
	tr.events.that(isReturn).present(t, "returns")
	tr.eachEntryReturned(t)
	return tr.events.that(isReturn), tr.events
}

// TestReturnValuesAgreeWithKretprobes compares return values with those that the kernel's kretprobe events record
// at the same time.
func TestReturnValuesAgreeWithKretprobes(t *testing.T) {
	needDedicatedMachine(t)
	eachBackend(t, func(t *testing.T, way returnWay) {
		k := kernelReturns{t: t}
		events, _ := returnsOfPing(t, way, func() { k.start(graphable(t, pingedFunctions())) }, k.stop)
		for _, f := range graphable(t, pingedFunctions()) {
			k.compare(f, events.that(in(f)))
		}
	})
}

// eachEntryReturned checks that each entry has exactly one return, with the same packet and interface.
func (tr *trace) eachEntryReturned(t *testing.T) {
	t.Helper()
	if tr.summary.Unreturned != 0 || tr.summary.Lost != 0 {
		t.Errorf("%d returns not seen, %d events lost", tr.summary.Unreturned, tr.summary.Lost)
	}
	open := map[string][]record{}
	for _, r := range tr.events.that(not(func(r *record) bool { return r.Type == "tracepoint" })) {
		key := r.Func + r.Skb
		if !r.isReturn() {
			open[key] = append(open[key], r)
			continue
		}
		last := len(open[key]) - 1
		if last < 0 {
			t.Errorf("%s has a return without an entry: %s", r.Func, r)
			return
		}
		entry := open[key][last]
		open[key] = open[key][:last]
		if r.Return == nil || r.Duration == nil || *r.Duration > r.Monotonic-entry.Monotonic {
			t.Errorf("return %s of entry %s", r, entry)
			return
		}
		if a, b := fmt.Sprint(tupleText(r.Tuple), r.Netns, r.Ifname, r.Len), fmt.Sprint(tupleText(entry.Tuple), entry.Netns, entry.Ifname, entry.Len); a != b {
			t.Errorf("return of %s has %s, its entry %s", r.Func, a, b)
			return
		}
	}
	for _, rest := range open {
		for _, r := range rest {
			t.Errorf("%s has an entry without a return: %s", r.Func, r)
			return
		}
	}
}

func tupleText(tuple tuple) string {
	b, _ := json.Marshal(tuple)
	return string(b)
}

// kernelReturns uses kretprobe events of the kernel's tracing.
type kernelReturns struct {
	t      *testing.T
	values map[string][]uint64
}

func (k *kernelReturns) start(functions []string) {
	k.t.Helper()
	k.t.Cleanup(func() { writeTracing(k.t, "kprobe_events", "") })
	var probes strings.Builder
	for _, f := range functions {
		fmt.Fprintf(&probes, "r:tracer_e2e/%s %s value=$retval:x64\n", f, f)
	}
	writeTracing(k.t, "kprobe_events", probes.String())
	writeTracing(k.t, "trace", "")
	writeTracing(k.t, "events/tracer_e2e/enable", "1")
}

var probeReturn = regexp.MustCompile(`<- ([\w.]+)\) value=(0x[0-9a-f]+)`)

func (k *kernelReturns) stop() {
	k.t.Helper()
	writeTracing(k.t, "events/tracer_e2e/enable", "0")
	k.values = map[string][]uint64{}
	for _, m := range probeReturn.FindAllStringSubmatch(readTracing(k.t, "trace"), -1) {
		value, err := strconv.ParseUint(m[2], 0, 64)
		if err != nil {
			k.t.Fatal(err)
		}
		k.values[m[1]] = append(k.values[m[1]], value)
	}
}

// compare checks that a function has as many returns as the kernel recorded, with the same values.
func (k *kernelReturns) compare(function string, events records) {
	k.t.Helper()
	values := k.values[function]
	if len(events) != len(values) || len(values) == 0 {
		k.t.Errorf("%s returned %d times, the kernel says %d times", function, len(events), len(values))
		return
	}
	for i, r := range events {
		if value, has := r.Return.number(k.t); has && !isSameValue(r, value, values[i]) {
			k.t.Errorf("%s returned %s, the kernel says %#x", function, r.Return.Value, values[i])
		}
	}
}

// isSameValue compares all bits of a pointer, but only the lower 32 bits of a number.
func isSameValue(r record, value, want uint64) bool {
	if strings.HasPrefix(string(r.Return.Value), `"`) {
		return value == want
	}
	return uint32(value) == uint32(want)
}

// droppedByHook is the verdict on newer kernels of a hook that has dropped the packet itself, with a
// reason.
const droppedByHook = "NF_STOLEN:EPERM"

// TestVerdictsAreNamed checks the names of netfilter verdicts. A firewall drops packets to one port.
func TestVerdictsAreNamed(t *testing.T) {
	w := newWorld(t)
	ktest.DropTCP(t, w.b, 7099)
	hook := "nft_do_chain_inet"
	for _, backend := range functionBackends(t) {
		args := []string{"--backend", backend, "--output-return", "--filter-netns", w.b.Path, "(tcp and port 7099) or (udp and port 7098)"}
		module := len(described(hook)) > 0
		if _, err := os.Stat("/sys/kernel/btf/nf_tables"); err == nil {
			args, module = append(args, "--kmods", "nf_tables", "--filter-func", "nf_hook_slow|"+hook), true
		} else {
			args = append(args, "--filter-func", "nf_hook_slow|"+hook)
		}
		p := start(t, args...)
		refused(t, w.a, tcp(a4+":0", b4+":7099", ""))
		do(t, w.a, func() error { return udp(a4+":7001", b4+":7098").Send(1) })
		events := p.stop().events
		want := map[bool]map[string][]string{
			true:  {"nf_hook_slow": {"EPERM"}, hook: {"NF_DROP"}},
			false: {"nf_hook_slow": {"NF_ACCEPT"}, hook: {"NF_ACCEPT"}},
		}
		for dropped, results := range want {
			of := events.that(protocol(map[bool]string{true: "tcp", false: "udp"}[dropped]))
			for f, names := range results {
				got := of.results(f)
				if slices.Equal(got, []string{droppedByHook}) {
					got = []string{"NF_DROP"}
				}
				if (f != hook || module) && !slices.Equal(got, names) {
					t.Errorf("%s: %s returned %v, want %v", backend, f, got, names)
				}
			}
		}
	}
}

// TestReturnsOfConcurrentCalls checks the returns of many functions that run on several CPUs, nested and
// interrupted.
func TestReturnsOfConcurrentCalls(t *testing.T) {
	eachBackend(t, func(t *testing.T, way returnWay) {
		w := newWorld(t)
		listenAt(t, w.a, a4+":7777")
		listenAt(t, w.b, b4+":7777")
		p := start(t, append(way.flags(), "--timestamp", "absolute", "--filter-func", "ip_.*|udp_.*|__udp.*|skb_consume_udp|kfree_skb.*|__kfree_skb",
			"udp and port 7777")...)
		done := make(chan error)
		for _, n := range []*ktest.Netns{w.a, w.b} {
			go func() {
				from, to := a4, b4
				if n == w.b {
					from, to = b4, a4
				}
				done <- n.Do(func() error { return udp(from+":7001", to+":7777").Send(100) })
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		tr := p.stop()
		tr.eachEntryReturned(t)
		if n := len(tr.events.that(isReturn)); n < 1000 {
			t.Errorf("%d returns", n)
		}
	})
}

// TestReturnsNeedFunctions checks the error of the tracepoint backend, which has no returns.
func TestReturnsNeedFunctions(t *testing.T) {
	p := command{args: []string{"--backend", tracepoint, "--output-return"}}.start(t)
	p.ends(soon, 2)
	if !strings.Contains(p.stderr(), "returns of functions can't be traced with the tracepoint backend") {
		t.Errorf("stderr: %s", p.stderr())
	}
}
