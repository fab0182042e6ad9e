// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"tracer/internal/event"
)

// Input is a file to read: a recording, or one that is compressed with zstd or gzip.
type Input struct {
	// Name is the file as in error messages.
	Name string
	Data io.Reader
}

// part is a file of a set.
type part struct {
	*Reader
	name string
}

// Set is the source of the events of one or several files, in the order in which they were recorded.
type Set struct {
	parts []part
	now   int
	// totals are the sum of all summaries; summarized is set if there is one.
	totals     event.Totals
	summarized bool
	// read and lost count the events and the lost ones in the current run.
	read, lost uint64
	// missing counts the events in files that are not there.
	missing uint64
	ended   bool
	// Warn is called for what is missing; nil for nothing.
	Warn func(text string)
}

// Open reads the beginnings of the files.
func Open(inputs []Input) (*Set, error) {
	s := &Set{}
	for _, in := range inputs {
		data, err := decompressed(in.Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Name, err)
		}
		r, err := NewReader(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Name, err)
		}
		s.parts = append(s.parts, part{r, in.Name})
	}
	slices.SortStableFunc(s.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.run.Start, b.run.Start), cmp.Compare(a.run.File, b.run.File))
	})
	return s, nil
}

// maxWindow is the largest window of a compressed file, which bounds the memory for it.
const maxWindow = 64 << 20

// decompressed returns the data of a file that may be compressed.
func decompressed(in io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(in, 1<<16)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	}
	return b, nil
}

// Runs returns the descriptions of the runs, in their order.
func (s *Set) Runs() (runs []*Run) {
	for _, p := range s.parts {
		runs = append(runs, p.run)
	}
	return runs
}

// Number returns the number of the event that Next returned last: its packet in its file, from 1.
func (s *Set) Number() uint64 {
	if s.now >= len(s.parts) {
		return 0
	}
	return s.parts[s.now].Number()
}

// Next returns the next event. The summaries of all runs are one, at the end.
func (s *Set) Next() (*event.Event, error) {
	for s.now < len(s.parts) {
		p := &s.parts[s.now]
		if p.number == 0 {
			s.notePrevious()
		}
		e, err := p.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.leave()
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", p.name, err)
		case e.Kind == event.Summary:
			s.add(e.Totals)
			continue
		case e.Kind == event.Lost:
			s.lost += e.Loss.Count
		default:
			s.read++
		}
		return e, nil
	}
	if s.ended || !s.summarized {
		return nil, io.EOF
	}
	s.ended = true
	return &event.Event{Kind: event.Summary, Totals: &s.totals}, nil
}

// notePrevious finds what is missing before the first event of a file.
func (s *Set) notePrevious() {
	run := s.parts[s.now].run
	if before := run.Events + run.Lost; before > s.read+s.lost {
		missing := before - s.read - s.lost
		s.warn(fmt.Sprintf("%s continues a recording, and %d events before it are in files that are not given", s.parts[s.now].name, missing))
		s.missing += missing
		s.read = run.Events
		s.lost = run.Lost
	}
}

func (s *Set) warn(text string) {
	if s.Warn != nil {
		s.Warn(text)
	}
}

// leave goes to the next file. If it is of another run, the counts begin anew.
func (s *Set) leave() {
	p := s.parts[s.now]
	s.now++
	if s.now < len(s.parts) && p.continued && s.parts[s.now].run.Start == p.run.Start {
		return
	}
	if p.continued {
		s.warn(fmt.Sprintf("the recording of %s goes on in a file that is not given: its totals are unknown", p.name))
		s.totals.Matched += s.read + s.lost
		s.totals.Suppressed += s.missing
	}
	s.read, s.lost, s.missing = 0, 0, 0
}

// add adds the summary of a run. Events in files that are missing count as suppressed.
func (s *Set) add(t *event.Totals) {
	sum := &s.totals
	s.summarized = true
	sum.Matched += t.Matched
	sum.Suppressed += t.Suppressed + s.missing
	sum.Evicted += t.Evicted
	sum.Unreturned += t.Unreturned
	sum.WithoutNetns += t.WithoutNetns
	sum.WithoutIfname += t.WithoutIfname
	sum.Headless += t.Headless
	sum.Missed += t.Missed
	sum.Duration += t.Duration
	sum.HiddenReasons = append(sum.HiddenReasons, t.HiddenReasons...)
	sum.Unseen = append(sum.Unseen, t.Unseen...)
	s.missing = 0
}

// Close does nothing: the caller closes the inputs.
func (s *Set) Close() error { return nil }
