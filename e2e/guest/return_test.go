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

// returned is what a record says of a function's return.
type returned struct {
	Value json.RawMessage `json:"value"`
	Name  *string         `json:"name"`
}

// number is the value's bits, and false where the function returns nothing.
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

// named are the names of what a function returned.
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

// needFunctions ends a test that has no sense with tracepoints alone.
func needFunctions(t *testing.T) []string {
	t.Helper()
	list := slices.DeleteFunc(slices.Clone(backends()), func(b string) bool { return b == tracepoint })
	if len(list) == 0 {
		t.Skip("this kernel has no kprobes, and so no returns")
	}
	return list
}

// functionBackends are those that need be tested here: where time is short, the best alone.
// What tells them apart is tested by all machines, and each is the best of some.
func functionBackends(t *testing.T) []string {
	t.Helper()
	list := needFunctions(t)
	if isBrief() {
		return list[:1]
	}
	return list
}

// isBrief says that time is short.
func isBrief() bool { return os.Getenv("BRIEF") != "" }

// isQuick says that the run is of the quick tier.
func isQuick() bool { return os.Getenv("QUICK") != "" }

// returnWay is a backend with a way to see returns; empty is the best.
type returnWay struct{ backend, by string }

func (w returnWay) flags() []string {
	flags := []string{"--backend", w.backend, "--output-return"}
	if w.by != "" {
		flags = append(flags, "--returns-by", w.by)
	}
	return flags
}

// eachReturnWay runs a test with each way that this kernel has.
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

// session is the best way, where entry and return have one link.
const session = "kprobe-session"

// eachBackend runs a test with the best way to see returns of each backend.
func eachBackend(t *testing.T, test func(*testing.T, returnWay)) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) { test(t, returnWay{backend: backend}) })
	}
}

// hasSessions says that this kernel has kprobe sessions, by what they are told with.
func hasSessions(t *testing.T) bool {
	t.Helper()
	return slices.Contains(needFunctions(t), kprobeMulti) && describes("bpf_session_is_return")
}

// TestReturnsAreSeenByTheBestWay without being told which, in a session where the kernel
// has them, as all do on which we know kprobe-multi to run.
func TestReturnsAreSeenByTheBestWay(t *testing.T) {
	needFunctions(t)
	want := map[string]string{kprobe: "kretprobe", kprobeMulti: session}[chosen()]
	if want == session && !hasSessions(t) {
		if onOwnMachine() {
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

// pinged are functions that a ping over loopback goes through, some of which return
// nothing, or an address.
var pinged = []string{"ip_rcv", "ip_local_deliver", "icmp_rcv", "ip_rcv_core", "raw_local_deliver", "skb_clone"}

// pingedTwice are in the middle of sending the question when the answer is sent. The
// kernel sees as many returns of one function at a time as it has CPUs, without
// preemption and without kprobe-multi.
var pingedTwice = []string{"ip_output", "ip_finish_output2"}

// pingedFunctions are those of which every return can be seen.
func pingedFunctions() []string {
	if runtime.NumCPU() == 1 {
		return pinged
	}
	return slices.Concat(pinged, pingedTwice)
}

// returnsOfPing is what the tracer says of the functions while the kernel's own tracing
// is on as well: returns, and these with the entries.
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

// TestReturnedValuesAreThoseOfTheKernel compares them with those that the kernel's own
// kretprobes write down at the same time.
func TestReturnedValuesAreThoseOfTheKernel(t *testing.T) {
	ownMachine(t)
	eachBackend(t, func(t *testing.T, way returnWay) {
		k := kernelReturns{t: t}
		events, _ := returnsOfPing(t, way, func() { k.start(graphable(t, pingedFunctions())) }, k.stop)
		for _, f := range graphable(t, pingedFunctions()) {
			k.compare(f, events.that(in(f)))
		}
	})
}

// eachEntryReturned wants a return for each entry: none is missed, none is made up, and
// it has what the entry had.
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
			t.Errorf("%s returned and was not entered: %s", r.Func, r)
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
			t.Errorf("%s was entered and did not return: %s", r.Func, r)
			return
		}
	}
}

func tupleText(tuple tuple) string {
	b, _ := json.Marshal(tuple)
	return string(b)
}

// kernelReturns is the kernel's own kretprobes.
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

// compare wants as many returns of a function as the kernel saw, and of the same values.
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

// isSameValue compares all bits of an address, and of a number those of an int.
func isSameValue(r record, value, want uint64) bool {
	if strings.HasPrefix(string(r.Return.Value), `"`) {
		return value == want
	}
	return uint32(value) == uint32(want)
}

// droppedByHook is what a hook of newer kernels says that has dropped the packet itself,
// with a reason.
const droppedByHook = "NF_STOLEN:EPERM"

// TestVerdictsAreNamed has a firewall drop what goes to one port.
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

// TestReturnsOfCallsAtTheSameTime has functions on several CPUs, nested in one another
// and interrupted, by all the functions that there are.
func TestReturnsOfCallsAtTheSameTime(t *testing.T) {
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

// TestReturnsNeedFunctions: a tracepoint has no return.
func TestReturnsNeedFunctions(t *testing.T) {
	p := command{args: []string{"--backend", tracepoint, "--output-return"}}.start(t)
	p.ends(soon, 2)
	if !strings.Contains(p.stderr(), "returns of functions can't be traced with the tracepoint backend") {
		t.Errorf("stderr: %s", p.stderr())
	}
}
