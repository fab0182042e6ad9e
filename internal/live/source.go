// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/attach"
	"tracer/internal/bpf"
	"tracer/internal/enrich"
	"tracer/internal/event"
	"tracer/internal/explain"
	"tracer/internal/journey"
	"tracer/internal/kernel"
	"tracer/internal/plan"
	"tracer/internal/source"
	"tracer/internal/stream"
)

// Source yields the events of the running kernel. It is a [source.Live].
type Source struct {
	observer Observer
	session  *attach.Session
	reader   *stream.Reader
	names    *enrich.Enricher
	why      *explain.Stage // nil: not requested
	asks     answers
	// watchesRules is set if nftables rules are causes of drops.
	watchesRules bool
	// symbols are kept open to be read again; nil if the kernel hides them.
	symbols   *kernel.SymbolsFile
	numbers   *journey.Numbers
	sinceLast *journey.SinceLast // nil: not requested
	scope     journey.Scope
	view      view
	owner     plan.TaskFilter
	// tracks means that packets are followed, watchesPrograms that BPF programs are traced, and namesNetns
	// that the names of network namespaces are requested.
	tracks, watchesPrograms, namesNetns bool
	background                          *background
	// reportedHidden means that Observer.HiddenSockets was called.
	reportedHidden bool

	phase phase
	// idles counts the consecutive times that the ring buffer was empty after the stop.
	idles int
	// counts are the counters of each CPU at the end.
	counts []bpf.Counters
	began  time.Time
	totals event.Totals
	// delivered counts the events about packets.
	delivered uint64
}

// phase determines what Next returns.
type phase uint8

const (
	flowing  phase = iota // events
	draining              // events of programs that began before the stop
	counting              // markers of losses that no event reported
	summed                // io.EOF: the Summary was returned
)

// Scope describes which events of the source end a packet.
func (s *Source) Scope() journey.Scope { return s.scope }

// Start makes events flow, and then calls Observer.Attached.
func (s *Source) Start() error {
	if err := s.session.Run(true); err != nil {
		return err
	}
	s.began = time.Now()
	s.observer.Attached(s.session)
	return nil
}

// Stop makes the BPF programs emit no more events. Next then returns the events in the ring buffer, markers for
// other losses, and the Summary. A second Stop does nothing.
func (s *Source) Stop() error {
	if s.phase != flowing {
		return nil
	}
	s.totals.Duration = uint64(time.Since(s.began))
	if err := s.session.Run(false); err != nil {
		return err
	}
	s.phase = draining
	return nil
}

// Now returns CLOCK_MONOTONIC. Every Linux has it, so there is no error.
func (*Source) Now() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return uint64(t.Nano())
}

// Next returns the next event with the name of its function, which limits need. [Source.Enrich] adds the rest, only
// to events that limits do not suppress.
func (s *Source) Next() (*event.Event, error) {
	if s.phase != flowing {
		return s.ending()
	}
	if s.background.failed() {
		return nil, s.fail()
	}
	e, err := s.reader.Next()
	if err != nil {
		return nil, idle(err)
	}
	return s.named(e), nil
}

// idle translates the error for an empty ring.
func idle(err error) error {
	if errors.Is(err, stream.ErrIdle) {
		return source.ErrIdle
	}
	return err
}

// named counts an event, records the number of its packet, and names its function.
func (s *Source) named(e *event.Event) *event.Event {
	if e.Kind != event.Lost {
		s.delivered++
	}
	s.numbers.Notice(e)
	s.names.Name(e)
	return e
}

// Enrich is the stage that adds the other names, sections and numbers to an event that is printed.
func (s *Source) Enrich(e *event.Event) {
	s.names.Complete(e)
	if s.sinceLast != nil {
		s.sinceLast.Name(e)
	}
	s.numbers.Rename(e)
}

// Explain is the stage after Enrich that adds the cause to a drop.
func (s *Source) Explain(e *event.Event) {
	if s.why != nil {
		s.why.Explain(e)
	}
}

// fail stops the source after a failure in the background. Next returns the error after the Summary.
func (s *Source) fail() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return source.ErrIdle
}

// ending implements Next after the stop.
func (s *Source) ending() (*event.Event, error) {
	switch s.phase {
	case draining:
		return s.drain()
	case counting:
		return s.count()
	}
	if err := s.background.stop(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// drain reads on until the ring stays empty for a while: a program that began before the stop may still
// write.
func (s *Source) drain() (*event.Event, error) {
	e, err := s.reader.Next()
	switch {
	case err == nil:
		s.idles = 0
		return s.named(e), nil
	case !errors.Is(err, stream.ErrIdle):
		return nil, err
	}
	if s.idles++; s.idles == 2 {
		s.phase = counting
	}
	return nil, source.ErrIdle
}

// count returns the markers of losses that no event reported, and then the Summary.
func (s *Source) count() (e *event.Event, err error) {
	if s.counts == nil {
		if s.counts, err = s.session.Counts(); err != nil {
			return nil, err
		}
	}
	if marker := s.reader.Rest(s.counts); marker != nil {
		return s.named(marker), nil
	}
	s.phase = summed
	if err := s.sum(); err != nil {
		return nil, err
	}
	return &event.Event{Kind: event.Summary, Totals: &s.totals}, nil
}

// sum fills the totals of the source.
func (s *Source) sum() (err error) {
	addCounts(&s.totals, s.counts)
	s.totals.Missed = s.session.Missed()
	if s.totals.HiddenReasons, err = s.hiddenReasons(); err != nil {
		return err
	}
	if s.totals.Evicted, err = s.evicted(); err != nil {
		return err
	}
	s.totals.Unseen = s.unseen()
	return nil
}

// unseen lists the blind spots of a run without events. Events that a limit suppressed were seen.
func (s *Source) unseen() []event.Unseen {
	if s.delivered+s.totals.Suppressed > 0 {
		return nil
	}
	return s.view.unseen(&s.totals)
}

// addCounts adds the counters of all CPUs.
func addCounts(t *event.Totals, counts []bpf.Counters) {
	for _, c := range counts {
		t.Matched += c.Matched
		t.Suppressed += c.Suppressed
		t.Unreturned += c.Unreturned
		t.WithoutNetns += c.WithoutNetns
		t.WithoutIfname += c.WithoutDevice
		t.Headless += c.HeadlessFragments
	}
}

// hiddenReasons returns the benign drops that the BPF programs counted and did not emit (--drop-hide-benign).
func (s *Source) hiddenReasons() ([]event.ReasonCount, error) {
	counts, err := s.session.Hidden()
	if err != nil {
		return nil, err
	}
	var hidden journey.Reasons
	for reason, n := range counts {
		hidden.Add(s.names.Reason(reason), n)
	}
	return hidden.List(), nil
}

// evicted returns how many sk_buffs were evicted from the table of followed ones.
func (s *Source) evicted() (uint64, error) {
	if !s.tracks {
		return 0, nil
	}
	return s.session.Evicted()
}

// Close detaches everything.
func (s *Source) Close() error {
	var errs []error
	if s.background != nil {
		errs = append(errs, s.background.stop())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.session != nil {
		errs = append(errs, s.session.Close())
	}
	if s.symbols != nil {
		errs = append(errs, s.symbols.Close())
	}
	if s.asks.host != nil {
		s.asks.host.Close()
	}
	return errors.Join(errs...)
}
