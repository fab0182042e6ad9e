// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"tracer/e2e/cost"
)

// Units of samples.
const (
	nanoseconds = "ns"
	seconds     = "s"
	byteUnit    = "B"
	percent     = "%"
	perSecond   = "1/s"
)

// all measures all subjects, one after the other in each round, so that changes over time
// affect all of them.
func (m *meter) all() error {
	for _, backend := range m.backends {
		for round := range m.rounds {
			for _, s := range m.subjects(backend) {
				if err := m.one(s, backend, round); err != nil {
					return fmt.Errorf("%s %s %q: %w", backend, s.name, s.filter, err)
				}
			}
		}
	}
	return nil
}

func (m *meter) one(s subject, backend string, round int) error {
	add := func(measure string, value float64, unit string) {
		if s.json {
			measure += cost.AsJSON
		}
		m.samples = append(m.samples, cost.Sample{Backend: backend, Measure: measure, Subject: s.name, Filter: s.filter, Round: round, Value: value, Unit: unit})
	}
	fmt.Fprintf(os.Stderr, "%s: %s, %s %q, round %d\n", time.Now().Format(time.TimeOnly), backend, s.name, s.filter, round) // progress, since this takes minutes
	r, err := m.begin(s, backend)
	if err != nil {
		return err
	}
	if r.cmd != nil {
		add("start", r.start.Seconds(), seconds)
	}
	if err := m.cost(add); err != nil {
		return err
	}
	if r.cmd != nil && s.name != cost.Floor && s.why == "" && m.choice == cost.All {
		if err := m.process(s, r, round, add); err != nil {
			return err
		}
	}
	stop, err := r.stop()
	if r.cmd != nil {
		add("stop", stop.Seconds(), seconds)
	}
	return err
}

// cost measures the duration of an exchange, after some exchanges to warm up.
func (m *meter) cost(add func(string, float64, string)) error {
	w, err := newWire()
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.exchange(m.exchanges / 10); err != nil {
		return err
	}
	took, err := w.exchange(m.exchanges)
	add("exchange", float64(took.Nanoseconds())/float64(m.exchanges), nanoseconds)
	return err
}

// process measures the subject's process: its memory and idle CPU time, or the delivery of events if the filter matches.
func (m *meter) process(s subject, r *running, round int, add func(string, float64, string)) error {
	pid := r.cmd.Process.Pid
	if s.matches {
		return m.deliver(r, add)
	}
	if s.filter != cost.ByProtocol {
		return nil
	}
	rss, err := resident(pid)
	if err != nil {
		return err
	}
	add("resident set", rss, byteUnit)
	maps, err := lockedByMaps(pid)
	if err != nil {
		return err
	}
	add("maps", maps, byteUnit)
	if round > 0 || m.idle == 0 {
		return nil
	}
	before, err := stat(pid)
	if err != nil {
		return err
	}
	time.Sleep(m.idle)
	after, err := stat(pid)
	add("idle", 100*(after.cpu-before.cpu).Seconds()/m.idle.Seconds(), percent)
	return err
}

const (
	// burst is the number of events per burst. It is less than the smallest queue of all subjects holds, 10,000.
	burst  = 8000
	bursts = 10
)

// deliver measures how many events per second reach the file, and the CPU time per event. It sends
// the load in bursts, and waits after each until all events are in the file.
func (m *meter) deliver(r *running, add func(string, float64, string)) error {
	w, err := newWire()
	if err != nil {
		return err
	}
	defer w.close()
	first, exchanges, err := r.bursting(w)
	if err != nil {
		return err
	}
	before, err := stat(r.cmd.Process.Pid)
	if err != nil {
		return err
	}
	var took time.Duration
	for range bursts {
		began := time.Now()
		if _, err := w.exchange(exchanges); err != nil {
			return err
		}
		last, err := settled(r.output)
		if err != nil {
			return err
		}
		took += last.Sub(began)
	}
	after, err := stat(r.cmd.Process.Pid)
	if err != nil {
		return err
	}
	count, err := lines(r.output)
	if err != nil || count == first {
		return fmt.Errorf("%d events: %w", count-first, err)
	}
	events := float64(count - first)
	add("events", events, "")
	add("delivered", events/took.Seconds(), perSecond)
	add("process per event", float64((after.cpu-before.cpu).Nanoseconds())/events, nanoseconds)
	return nil
}

// bursting measures the number of events per exchange. It returns the number of lines in the output, and the number of
// exchanges per burst.
func (r *running) bursting(w wire) (first, exchanges int, err error) {
	if _, err := settled(r.output); err != nil { // events of the previous load
		return 0, 0, err
	}
	before, err := lines(r.output)
	if err != nil {
		return 0, 0, err
	}
	if _, err := w.exchange(1); err != nil {
		return 0, 0, err
	}
	if _, err := settled(r.output); err != nil {
		return 0, 0, err
	}
	first, err = lines(r.output)
	if err != nil || first == before {
		return 0, 0, fmt.Errorf("no events of an exchange: %w", err)
	}
	return first, max(1, burst/(first-before)), nil
}

// quiet is the time without growth after which a file is considered complete.
const quiet = 300 * time.Millisecond

// settled waits until a file has stopped growing, and returns the time of its last growth.
func settled(name string) (last time.Time, err error) {
	var size int64 = -1
	last = time.Now()
	for time.Since(last) < quiet {
		info, err := os.Stat(name)
		if err != nil {
			return last, err
		}
		if info.Size() != size {
			size, last = info.Size(), time.Now()
		}
		time.Sleep(500 * time.Microsecond)
	}
	return last, nil
}

// lines counts the lines of a file.
func lines(name string) (int, error) {
	b, err := os.ReadFile(name)
	return bytes.Count(b, []byte{'\n'}), err
}
