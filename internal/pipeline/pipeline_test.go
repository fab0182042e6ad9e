// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/sink"
	"tracer/internal/source"
)

// recorder is a sink that logs what it gets: the skb of each event, `lost`, `summary` and `flush`. If err is set,
// it returns err once the log has limit entries.
type recorder struct {
	log    []string
	limit  int
	err    error
	totals event.Totals
}

func (r *recorder) Take(e *event.Event) error {
	switch e.Kind {
	case event.Summary:
		r.totals = *e.Totals
		fallthrough
	case event.Lost:
		r.log = append(r.log, e.Kind.String())
	default:
		r.log = append(r.log, fmt.Sprintf("%c", rune(e.Skb)))
	}
	return r.full()
}

func (r *recorder) full() error {
	if r.err != nil && len(r.log) >= r.limit {
		return r.err
	}
	return nil
}

func (r *recorder) Flush() error { r.log = append(r.log, "flush"); return r.full() }
func (r *recorder) Close() error { return nil }

// rows is the log without flushes.
func (r *recorder) rows() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(r.log), func(s string) bool { return s == "flush" }), " ")
}

// fake is a live source. It returns the events of script and is then idle until it is stopped. After that it
// returns the events of tail, which usually end with a Summary. It fails if it is idle for maxIdle.
type fake struct {
	script, tail []*event.Event
	log          []string
	stopped      bool
	now          uint64
	idleSince    time.Time
}

// maxIdle is the time after which the test fails if Run has not ended, in place of a test that hangs.
const maxIdle = 10 * time.Second

func (f *fake) Start() error { f.log = append(f.log, "start"); return nil }
func (f *fake) Stop() error  { f.log = append(f.log, "stop"); f.stopped = true; return nil }
func (f *fake) Close() error { return nil }
func (f *fake) Now() uint64  { return f.now }

func (f *fake) Next() (*event.Event, error) {
	switch {
	case !f.stopped && len(f.script) > 0:
		return shift(&f.script), nil
	case !f.stopped:
		return nil, f.idle()
	case len(f.tail) > 0:
		return shift(&f.tail), nil
	}
	return nil, io.EOF
}

// idle returns ErrIdle, and after maxIdle another error.
func (f *fake) idle() error {
	if f.idleSince.IsZero() {
		f.idleSince = time.Now()
	}
	if time.Since(f.idleSince) > maxIdle {
		return fmt.Errorf("the source was not stopped, and Run did not end, within %v after the last event", maxIdle)
	}
	time.Sleep(time.Millisecond)
	return source.ErrIdle
}

func shift(events *[]*event.Event) *event.Event {
	e := (*events)[0]
	*events = (*events)[1:]
	return e
}

// events returns one event for each character, whose code is the address of the sk_buff. A lower-case letter is
// a function event, an upper-case letter a drop, and ! is a marker of two lost events.
func events(script string) []*event.Event {
	var list []*event.Event
	for i, r := range script {
		e := &event.Event{Kind: event.Function, Skb: uint64(r), Time: uint64(i)}
		switch {
		case r == '!':
			e = &event.Event{Kind: event.Lost, Loss: &event.Loss{Count: 2}}
		case r < 'a':
			e.Kind, e.Names.Func, e.Names.Reason, e.Drop.Dropped = event.Tracepoint, "kfree_skb", "NO_SOCKET", true
		}
		list = append(list, e)
	}
	return list
}

func summary(t event.Totals) *event.Event { return &event.Event{Kind: event.Summary, Totals: &t} }

// drops is a filter that lets only drops pass.
func drops(e *event.Event) bool { return e.Drop.Dropped }

func checkCounts(t *testing.T, name string, totals event.Totals) {
	t.Helper()
	if sum := totals.Printed + totals.Suppressed + totals.Lost[event.RingFull]; totals.Matched != sum {
		t.Errorf("%s: %d matched, but %d printed + %d suppressed + %d lost = %d",
			name, totals.Matched, totals.Printed, totals.Suppressed, totals.Lost[event.RingFull], sum)
	}
}

// TestEachOutputHasItsOwnCounts checks three outputs with different filters, in a run with a limit and losses.
func TestEachOutputHasItsOwnCounts(t *testing.T) {
	src := &fake{script: events("aAb!bBc"), tail: append(events("d!"), summary(event.Totals{Matched: 7 + 4 + 5, Suppressed: 5, Missed: 3}))}
	all, some, none := &recorder{}, &recorder{}, &recorder{}
	outputs := []Output{{Sink: all}, {Sink: some, Filter: drops}, {Sink: none, Filter: func(*event.Event) bool { return false }}}
	totals, err := Run(t.Context(), src, nil, outputs, Options{Limits: Limits{Lines: 6}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		sink *recorder
		rows string
		event.Totals
	}{
		{all, "a A b lost b B c lost summary", event.Totals{Printed: 6, Suppressed: 6, Packets: 5, Dropped: 2}},
		{some, "A lost B lost summary", event.Totals{Printed: 2, Suppressed: 10, Packets: 2, Dropped: 2}},
		{none, "lost lost summary", event.Totals{Suppressed: 12}},
	} {
		got := totals[i]
		checkCounts(t, fmt.Sprint(i), got)
		if want.sink.rows() != want.rows || got.Printed != want.Printed || got.Suppressed != want.Suppressed || got.Packets != want.Packets || got.Dropped != want.Dropped || got.Missed != 3 {
			t.Errorf("output %d: %s, totals %+v, want %s, %+v", i, want.sink.rows(), got, want.rows, want.Totals)
		}
		if want.sink.totals.Printed != got.Printed || want.sink.totals.Suppressed != got.Suppressed {
			t.Errorf("output %d: the sink got %+v, Run returned %+v", i, want.sink.totals, got)
		}
	}
}

func TestStartOrder(t *testing.T) {
	src := &fake{script: events("a"), tail: []*event.Event{summary(event.Totals{Matched: 1})}}
	out := &recorder{}
	started := func() error { src.log = append(src.log, strings.Join(out.log, " "), "started"); return nil }
	if _, err := Run(t.Context(), src, nil, []Output{{Sink: out}}, Options{Limits: Limits{Lines: 1}, Started: started}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(src.log, ", "), "start, flush, started, stop"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := strings.Join(out.log, " "), "flush a summary flush"; got != want {
		t.Errorf("the sink got %s, want %s", got, want)
	}
}

// TestEndsOfARun checks what ends a run with a live source, and what is printed after that.
func TestEndsOfARun(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		script string
		limits Limits
		scope  journey.Scope
		sink   recorder
		rows   string
	}{
		"context":         {ctx: canceled, rows: "e summary"}, // events under way are printed
		"duration":        {script: "abCa", limits: Limits{Duration: 20 * time.Millisecond}, rows: "a b C a e summary"},
		"lines":           {script: "abCa", limits: Limits{Lines: 2}, rows: "a b summary"},
		"packets":         {script: "CabD", limits: Limits{Packets: 1}, scope: journey.NewScope(nil, []string{"kfree_skb"}), rows: "C summary"},
		"reader has gone": {script: "abCa", sink: recorder{limit: 4, err: fmt.Errorf("write: %w", sink.ErrReaderGone)}, rows: "a b C"},
	} {
		if c.ctx == nil {
			c.ctx = t.Context()
		}
		tail := append(events("e"), summary(event.Totals{Matched: 5}))
		src := &fake{script: events(c.script), tail: tail}
		if _, err := Run(c.ctx, src, nil, []Output{{Sink: &c.sink}}, Options{Limits: c.limits, Scope: c.scope}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := c.sink.rows(); got != c.rows {
			t.Errorf("%s: %s, want %s", name, got, c.rows)
		}
	}
}

// TestOneOfTwoReadersGone checks that the run continues for the other output, and that events after the first
// reader has gone count as suppressed in its totals.
func TestOneOfTwoReadersGone(t *testing.T) {
	gone, other := &recorder{limit: 3, err: sink.ErrReaderGone}, &recorder{}
	totals, err := Run(t.Context(), source.NewEvents(events("abcd")), nil, []Output{{Sink: gone}, {Sink: other}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if totals[0].Printed != 2 || totals[0].Suppressed != 2 || totals[1].Printed != 4 || other.rows() != "a b c d summary" {
		t.Errorf("%+v, other output %s", totals, other.rows())
	}
	checkCounts(t, "gone", totals[0])
}

func TestErrorOfASinkIsReturned(t *testing.T) {
	full := errors.New("disk full")
	for limit := 1; limit <= 3; limit++ {
		out := &recorder{limit: limit, err: full}
		if _, err := Run(t.Context(), source.NewEvents(events("a!")), nil, []Output{{Sink: &recorder{}}, {Sink: out}}, Options{}); !errors.Is(err, full) {
			t.Errorf("error %v after %d rows, want %v", err, limit, full)
		}
	}
}

// TestStoredSummaryIsRecounted checks that a replay counts its own rows, and keeps the totals that only the
// source knows.
func TestStoredSummaryIsRecounted(t *testing.T) {
	stored := append(events("ab!C"), summary(event.Totals{Matched: 9, Printed: 3, Suppressed: 4, Lost: [event.LossCauses]uint64{2}, Missed: 1}))
	out := &recorder{}
	totals, err := Run(t.Context(), source.NewEvents(stored), nil, []Output{{Sink: out, Filter: drops}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := totals[0]; got.Printed != 1 || got.Suppressed != 6 || got.Missed != 1 {
		t.Errorf("%+v, want 1 printed, 6 suppressed, 1 missed", got)
	}
	checkCounts(t, "stored", totals[0])
}

// TestStagesSeeAdmittedEvents checks that limits come before the stages, and filters after them.
func TestStagesSeeAdmittedEvents(t *testing.T) {
	seen := ""
	name := func(e *event.Event) { e.Names.Func = "named"; seen += string(rune(e.Skb)) }
	named := func(e *event.Event) bool { return e.Names.Func == "named" }
	out := &recorder{}
	totals, err := Run(t.Context(), source.NewEvents(events("aab!bac")), []Stage{name}, []Output{{Sink: out, Filter: named}}, Options{Limits: Limits{EventsPerPacket: 1}})
	if err != nil || seen != "abc" || out.rows() != "a b lost c summary" {
		t.Errorf("stages saw %s, the sink %s, error %v", seen, out.rows(), err)
	}
	checkCounts(t, "stages", totals[0])
}

// TestReusedAddressAfterADrop checks that an address belongs to another packet after a drop, also if an output's
// filter rejects some of the events.
func TestReusedAddressAfterADrop(t *testing.T) {
	all, some := &recorder{}, &recorder{}
	script := events("AAA")
	outputs := []Output{{Sink: all}, {Sink: some, Filter: func(e *event.Event) bool { return e.Time != 1 }}}
	totals, err := Run(t.Context(), source.NewEvents(script), nil, outputs, Options{Scope: journey.NewScope(nil, []string{"kfree_skb"})})
	if err != nil || totals[0].Packets != 3 || totals[1].Packets != 2 {
		t.Errorf("%d and %d packets, want 3 and 2; error %v", totals[0].Packets, totals[1].Packets, err)
	}
}

// failing is a source that fails.
type failing struct{ source.Events }

func (failing) Next() (*event.Event, error) { return nil, io.ErrUnexpectedEOF }

func TestErrorOfTheSource(t *testing.T) {
	if _, err := Run(t.Context(), &failing{}, nil, []Output{{Sink: &recorder{}}}, Options{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}

// TestIdlePacketsEndALiveRun checks that the time comes from the source, not from the clock of this machine.
func TestIdlePacketsEndALiveRun(t *testing.T) {
	for now, want := range map[uint64]string{0: "a a summary", 2e9: "a summary"} {
		out := &recorder{}
		src := &fake{script: events("aba"), tail: []*event.Event{summary(event.Totals{})}, now: now}
		o := Options{Limits: Limits{Packets: 1, Duration: 50 * time.Millisecond}}
		if _, err := Run(t.Context(), src, nil, []Output{{Sink: out}}, o); err != nil || out.rows() != want {
			t.Errorf("at %d ns: %s, want %s; error %v", now, out.rows(), want, err)
		}
	}
}
