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

// all measures everything, the subjects of a round one after the other, so that what
// changes with time changes for all.
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
	fmt.Fprintf(os.Stderr, "%s: %s, %s %q, round %d\n", time.Now().Format(time.TimeOnly), backend, s.name, s.filter, round) // it takes minutes
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
	if r.cmd != nil && s.name != cost.Floor && !m.brief {
		if err := m.inside(s, r, round, add); err != nil {
			return err
		}
	}
	stop, err := r.stop()
	if r.cmd != nil {
		add("stop", stop.Seconds(), seconds)
	}
	return err
}

// cost is what an exchange takes: the first ones are not counted.
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

// inside looks at the process itself.
func (m *meter) inside(s subject, r *running, round int, add func(string, float64, string)) error {
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
	// burst is how many events fit into the smallest queue of all subjects, which has
	// 10,000 places.
	burst  = 8000
	bursts = 10
)

// deliver counts the events that come to the file in a second, and the processor's time for
// each: load is put on in bursts, and each is waited for until all of it is there.
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

// bursting says how many lines the output has, and how many exchanges are a burst.
func (r *running) bursting(w wire) (first, exchanges int, err error) {
	if _, err := settled(r.output); err != nil { // of the load before
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

// quiet is after how long without growth a file is taken to be complete.
const quiet = 300 * time.Millisecond

// settled waits until a file grows no more, and returns when it last did.
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
