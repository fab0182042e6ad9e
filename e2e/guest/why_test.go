// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
)

// why is the cause of a drop in JSON.
type why struct {
	Cause    string                     `json:"cause"`
	Text     string                     `json:"text"`
	Values   map[string]json.RawMessage `json:"values"`
	Remedy   string                     `json:"remedy"`
	Evidence []string                   `json:"evidence"`
	// KernelDrop is false if the kernel reports no drop.
	KernelDrop bool `json:"kernel_drop"`
}

// unknown is the cause of a drop whose cause is unknown.
const unknown = "unknown"

// scenario provokes drops with a known cause.
type scenario struct {
	cause string
	// values are values that the rows must have, by key.
	values map[string]any
	needs  needs
	// otherwise are less specific causes, which are right where docs/drops.md says that this one can't be told.
	otherwise []string
	// also are other right causes: those with the same meaning and values, on kernels that drop the packet elsewhere.
	also []string
	// rows matches the rows of the drops.
	rows func(*record) bool
	// from set the scenario up.
	from provocation
	// send sends the packets. It is called once, after tracer has started.
	send func()
}

// needs are the requirements of a cause. They excuse nothing on the kernels that docs/drops.md lists: see excuse.
type needs struct {
	// probes is set if the cause needs the values of a decision, which only function probes read.
	probes bool
	// reason is a drop reason that must exist; symbols are functions and variables of which at least one must exist.
	reason  string
	symbols []string
	// module has the types of the values.
	module string
	// special is set if nothing keeps the values of the decision yet.
	special bool
	// silent is set if the kernel reports no drop, so there is a row only if a decision finds the end of the packet.
	silent bool
	// machine is set if the scenario changes settings of the whole machine.
	machine bool
}

// met reports whether this kernel and the backend that tracer chooses have everything.
func (n needs) met() bool {
	hasOne := len(n.symbols) == 0 || slices.ContainsFunc(n.symbols, hasSymbol)
	return !n.special && (!n.probes || chosen() != tracepoint) && n.hasDropReason() && hasOne && hasTypesOf(n.module)
}

func (n needs) hasDropReason() bool { return n.reason == "" || hasReason(n.reason) }

// hasTypesOf reports whether the kernel's BTF has the types of a module, which may be built in.
func hasTypesOf(module string) bool {
	_, err := os.Stat("/sys/kernel/btf/" + module)
	_, loadable := os.Stat("/sys/module/" + module + "/refcnt") // modules that are built in have none
	return module == "" || err == nil || loadable != nil
}

// hasReason reports whether this kernel has a drop reason.
func hasReason(name string) bool {
	var enum *btf.Enum
	if types().TypeByName("skb_drop_reason", &enum) != nil {
		return false
	}
	return slices.ContainsFunc(enum.Values, func(v btf.EnumValue) bool { return v.Name == "SKB_DROP_REASON_"+name })
}

// provocation sets up a scenario in a lab. It may be called several times: each scenario has its own addresses, ports
// or devices.
type provocation func(*lab) scenario

// provocations are the provocations of all families.
var provocations = slices.Concat(whySocket, whyRoute, whyMTU, whyBridge, whyPacket, whyDevice, whyTCP, whySyn, whyNeigh, whyBuffers, whyProgram, whyFirewall, whyTunnel, whySilent, whyXfrm, whyIPv6, whyIPv4)

// TestWhy provokes the causes of drops, and checks that the rows of the dropped packets have these causes and their
// values. All scenarios run under one tracer, since its start takes long on some machines.
func TestWhy(t *testing.T) { provoked(t, provocations) }

// TestWhyPackets provokes only the causes of packets that IPv6, IPv4, ICMP and ARP refuse, for a short run.
func TestWhyPackets(t *testing.T) { provoked(t, slices.Concat(whyPacket, whyIPv6, whyIPv4)) }

func provoked(t *testing.T, all []provocation) {
	t.Helper()
	l := newLab(t, func(n int) []int { return inOrder(n) })
	list := l.provoke(all...)
	rows, lost := l.drops(list)
	if lost.isPossible() {
		t.Log(lost)
		rows = append(rows, l.again(list, rows)...)
	}
	for _, s := range list {
		t.Run(s.cause, func(t *testing.T) {
			if s.needs.machine {
				needDedicatedMachine(t)
			}
			s.check(t, rows.that(s.rows))
		})
	}
	if t.Failed() {
		rows.others(t, list)
	}
}

// again repeats the scenarios whose cause is less exact than possible, if they are few, and returns the drops.
func (l *lab) again(list []scenario, rows records) (more records) {
	l.t.Helper()
	var places []int
	for i := range list {
		if list[i].isLessExact(rows.that(list[i].rows)) {
			places = append(places, i)
		}
	}
	if len(places) == 0 || len(places)*20 > len(list) {
		return nil
	}
	var repeated []scenario
	for _, i := range places {
		l.t.Logf("again, since its cause is less exact: %s", list[i].cause)
		list[i] = l.provoke(list[i].from)[0]
		repeated = append(repeated, list[i])
	}
	more, lost := l.drops(repeated)
	l.t.Log(lost)
	return more
}

// isLessExact reports whether all that is wrong with the rows is a less specific cause, or none.
func (s *scenario) isLessExact(rows records) bool {
	if s.excuse() != "" || s.needs.machine && !isDedicated() {
		return false
	}
	if len(rows) == 0 {
		return s.needs.silent
	}
	found := false
	for i := range rows {
		if s.judge(&rows[i]) == "" {
			continue
		}
		if found = true; !s.isLess(&rows[i]) {
			return false
		}
	}
	return found
}

// isLess reports whether the cause of a row is unknown, or less specific than the scenario's.
func (s *scenario) isLess(r *record) bool {
	return r.Why != nil && (r.Why.Cause == unknown || slices.Contains(s.otherwise, r.Why.Cause))
}

// others logs the rows of no scenario, which may be those that one misses.
func (rs records) others(t *testing.T, list []scenario) {
	t.Helper()
	for i := range rs {
		r := &rs[i]
		if !slices.ContainsFunc(list, func(s scenario) bool { return s.rows(r) }) {
			t.Logf("of no scenario: %s at %s, %s: %s", r.Reason, r.Location, r.cause(), r.brief())
		}
	}
}

func (r *record) cause() string {
	if r.Why == nil {
		return "no cause"
	}
	return r.Why.Cause
}

// drops starts tracer, sends the packets of the scenarios, and returns the drops and what may have lost their values.
func (l *lab) drops(list []scenario) (records, loss) {
	l.t.Helper()
	p := start(l.t, "--drop")
	stalled := watchStalls(l.t)
	l.send(list)
	l.await(p, list)
	lost := loss{stall: stalled(), uncounted: !countsMisses()}
	trace := p.stop()
	lost.missed = trace.summary.Missed
	return trace.events.that(dropped), lost
}

// send sends the packets of the scenarios.
func (l *lab) send(list []scenario) {
	l.t.Helper()
	for _, s := range list {
		if !s.needs.machine || isDedicated() {
			s.send()
		}
	}
}

// await waits until each scenario has a row, since some drops wait for timers.
func (l *lab) await(p *process, list []scenario) {
	l.t.Helper()
	p.settle()
	for range 20 {
		rows := lines(p.stdout())
		list = slices.DeleteFunc(slices.Clone(list), func(s scenario) bool {
			return s.needs.machine && !isDedicated() || s.excuse() != "" || len(rows.that(dropped, s.rows)) > 0
		})
		if len(list) == 0 {
			return
		}
		time.Sleep(patience / 20)
	}
}

// lines parses the complete lines of a run that has not ended yet.
func lines(text string) (list records) {
	for line := range bytes.Lines([]byte(text)) {
		var r record
		if json.Unmarshal(line, &r) == nil {
			list = append(list, r)
		}
	}
	return list
}

// after adds what must be done immediately before the packets are sent, since its effect ends with a timer.
func (s scenario) after(prepare func()) scenario {
	send := s.send
	s.send = func() {
		prepare()
		send()
	}
	return s
}

// check checks the rows of the scenario.
func (s *scenario) check(t *testing.T, rows records) {
	t.Helper()
	excuse := s.excuse()
	if excuse == "" {
		rows.present(t, s.cause)
	} else {
		t.Logf("%s can't be told here: %s", s.cause, excuse)
	}
	for i := range rows {
		if fault := s.judge(&rows[i]); fault != "" {
			t.Errorf("%s\n%s: %s", fault, rows[i].Ifname, rows[i].brief())
		}
	}
	if right, _ := s.verdict(t, rows, false); right && excuse != "" {
		t.Errorf("%s is told, but docs/drops.md says that it can't be: %s", s.cause, excuse)
	}
}

// judge returns what is wrong with a row, or "".
func (s *scenario) judge(r *record) string {
	switch {
	case r.Why == nil:
		return fmt.Sprintf("%s at %s: no cause", r.Reason, r.Location)
	case r.Why.Cause == s.cause || slices.Contains(s.also, r.Why.Cause):
		return s.judgeValues(r.Why)
	case s.accepts(r.Why.Cause):
		return ""
	}
	return fmt.Sprintf("%s at %s: cause %s, want %s; values %s", r.Reason, r.Location, r.Why.Cause, s.cause, r.Why.values())
}

// accepts reports whether a less specific cause, or none, is all that this kernel makes possible with this backend.
func (s *scenario) accepts(cause string) bool {
	return s.excuse() != "" && (cause == unknown || slices.Contains(s.otherwise, cause))
}

func (s *scenario) judgeValues(w *why) string {
	for key, value := range s.values {
		if want := jsonOf(value); string(w.Values[key]) != want {
			return fmt.Sprintf("%s: value %s is %s, want %s; values %s, %q", s.cause, key, w.Values[key], want, w.values(), w.Text)
		}
	}
	return ""
}

// values returns all values as text.
func (w *why) values() string { return jsonOf(w.Values) }

func jsonOf(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// draws is the number of scenarios of TestWhyBlind. More are drawn if docs/drops.md excuses so many that fewer than judged
// are left, but not more than mostDraws.
const draws, judged, mostDraws = 80, 60, 300

// TestWhyBlind draws scenarios at random, with random ports and addresses and in random order. No cause may be wrong,
// and of those that docs/drops.md does not excuse, at least 95 % must be right.
func TestWhyBlind(t *testing.T) {
	seed := seed(t)
	t.Logf("SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	l := newLab(t, random.Perm)
	list := l.draw(random)
	rows, lost := l.drops(list)
	t.Log(lost)
	result := verdicts{lost: lost.isPossible()}
	for i := range list {
		result.add(t, &list[i], rows.that(list[i].rows))
	}
	t.Log(result)
	if result.isTooBad() {
		rows.others(t, list)
		t.Errorf("%s; want none wrong, %d judged, and 95 %% of these right", result, judged)
	}
}

// draw sets up scenarios at random.
func (l *lab) draw(random *rand.Rand) (list []scenario) {
	l.t.Helper()
	left := 0 // not excused
	for n := 0; n < draws || left < judged && n < mostDraws; n++ {
		for _, s := range l.provoke(provocations[random.IntN(len(provocations))]) {
			if s.needs.machine {
				continue
			}
			list = append(list, s)
			if s.excuse() == "" {
				left++
			}
		}
	}
	return list
}

// seed returns the environment variable SEED, or else a new seed.
func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SEED")
	if text == "" {
		return uint64(time.Now().UnixNano())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEED: %v", err)
	}
	return n
}

// verdicts are numbers of scenarios: of all, of those without rows (which are not unknown), of those that docs/drops.md
// excuses, and of the others, the judged ones. lost is set if values may be lost.
type verdicts struct {
	total, right, wrong, unknown, missing, excused, judged, rightOfJudged int

	lost bool
}

func (v verdicts) String() string {
	return fmt.Sprintf("%d scenarios: %d right, %d wrong, %d unknown, %d without rows; excused by docs/drops.md: %d; right of the others: %d of %d",
		v.total, v.right, v.wrong, v.unknown, v.missing, v.excused, v.rightOfJudged, v.judged)
}

func (v verdicts) isTooBad() bool {
	return v.wrong > 0 || v.judged < judged || v.rightOfJudged*100 < v.judged*95
}

// add judges the rows of a scenario. Whether it is excused does not depend on them.
func (v *verdicts) add(t *testing.T, s *scenario, rows records) {
	t.Helper()
	v.total++
	right, wrong := s.verdict(t, rows, v.lost)
	switch {
	case wrong:
		v.wrong++
	case right:
		v.right++
	case len(rows) == 0:
		v.missing++
	default:
		v.unknown++
	}
	if excuse := s.excuse(); excuse != "" {
		v.excused++
		t.Logf("excused: %s: %s", s.cause, excuse)
		return
	}
	v.judged++
	if right {
		v.rightOfJudged++
		return
	}
	t.Logf("%s is not right: %d rows", s.cause, len(rows))
	for i := range rows {
		t.Logf("%s at %s: %s, %s", rows[i].Reason, rows[i].Location, rows[i].cause(), rows[i].brief())
	}
}

// TestVerdicts checks which results fail.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		verdicts
		isTooBad bool
	}{
		{verdicts{judged: 60, rightOfJudged: 57}, false},
		{verdicts{judged: 60, rightOfJudged: 56}, true},
		{verdicts{judged: 59, rightOfJudged: 59}, true},
		{verdicts{judged: 60, rightOfJudged: 60, wrong: 1}, true},
	} {
		if got := test.verdicts.isTooBad(); got != test.isTooBad {
			t.Errorf("%+v: too bad: %v", test.verdicts, got)
		}
	}
}

// verdict reports whether all rows have the right cause and values, and whether one has a wrong cause or value. Causes that
// accepts allows are neither, and neither are less specific ones if values may be lost.
func (s *scenario) verdict(t *testing.T, rows records, lost bool) (right, wrong bool) {
	t.Helper()
	right = len(rows) > 0
	for i := range rows {
		r := &rows[i]
		fault := s.judge(r)
		right = right && fault == "" && (r.Why.Cause == s.cause || slices.Contains(s.also, r.Why.Cause))
		if fault != "" && r.Why != nil && r.Why.Cause != unknown && !(lost && s.isLess(r)) {
			t.Log(fault)
			wrong = true
		}
	}
	return right, wrong
}

func inOrder(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
