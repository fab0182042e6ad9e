// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"tracer/internal/input"
)

// background runs functions concurrently with the reading of events, until it is stopped or one of them fails.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc
	group  *errgroup.Group
	// stopped means that stop has returned the first error.
	stopped bool
}

func newBackground() *background {
	ctx, cancel := context.WithCancel(context.Background())
	group, ctx := errgroup.WithContext(ctx)
	return &background{ctx: ctx, cancel: cancel, group: group}
}

func (b *background) run(f func(context.Context) error) {
	b.group.Go(func() error { return f(b.ctx) })
}

// failed reports whether one of the functions has failed.
func (b *background) failed() bool { return b.ctx.Err() != nil }

// stop waits for the end of all functions. The first call returns the first error, further calls return nil, so
// that the error is reported once.
func (b *background) stop() error {
	b.cancel()
	err := b.group.Wait()
	if b.stopped {
		return nil
	}
	b.stopped = true
	return err
}

// watch starts the work in the background: it looks for sockets of the processes in the filter, and for BPF
// programs that are loaded later.
func (s *Source) watch() error {
	s.background = newBackground()
	if s.owner.Process() {
		w := socketWatch{find: s.ownedSockets, set: s.session.OwnSockets, tick: time.Tick(socketsEvery)}
		if err := w.once(); err != nil {
			return err
		}
		s.background.run(w.run)
	}
	if s.watchesRules {
		s.background.run(func(context.Context) error {
			s.asks.host.WatchAll() // to notice each change of a ruleset from the start on
			return nil
		})
	}
	if s.watchesPrograms {
		s.background.run(func(ctx context.Context) error { return s.session.WatchPrograms(ctx, s.observer.Programs) })
	}
	return nil
}

// socketsEvery is the time between two searches for sockets.
const socketsEvery = time.Second

// socketWatch writes the open sockets of the processes in the filter to a BPF map. The BPF programs on their own
// assign a socket to a process only when the process sends.
type socketWatch struct {
	find func() ([]uint64, error)
	set  func(inodes []uint64) error
	tick <-chan time.Time
}

func (w *socketWatch) once() error {
	inodes, err := w.find()
	if err != nil {
		return err
	}
	return w.set(inodes)
}

// run looks for sockets at every tick.
func (w *socketWatch) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.tick:
			if err := w.once(); err != nil {
				return err
			}
		}
	}
}

// ownedSockets returns the sockets of the processes in the filter. It reports once that some can't be read.
func (s *Source) ownedSockets() ([]uint64, error) {
	inodes, hidden, err := input.Sockets(s.owner.MatchesProcess)
	if len(hidden) > 0 && !s.reportedHidden {
		s.reportedHidden = true
		s.observer.HiddenSockets(hidden)
	}
	return inodes, err
}
