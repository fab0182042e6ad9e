// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"

	"tracer/internal/enrich"
	"tracer/internal/plan"
)

// Owners are whom packets have to belong to, as typed: to one of each list that
// is not empty.
type Owners struct {
	// PIDs are ids of processes, Comms their names, perhaps with a * for the rest.
	PIDs, Comms []string
	// Cgroups are paths or ids of control groups of cgroup2.
	Cgroups []string
}

// resolve looks everything up.
func (w Owners) resolve() (o plan.TaskFilter, err error) {
	if o.PIDs, err = each(w.PIDs, enrich.PID); err != nil {
		return o, err
	}
	if o.Cgroups, err = each(w.Cgroups, enrich.Cgroup); err != nil {
		return o, err
	}
	o.Comms = w.Comms
	_, err = each(w.Comms, func(comm string) (string, error) { return comm, enrich.CheckCommand(comm) })
	return o, err
}

// each looks every word up, nil for none.
func each[T any](words []string, lookUp func(string) (T, error)) (found []T, err error) {
	for _, word := range words {
		value, err := lookUp(word)
		if err != nil {
			return nil, err
		}
		found = append(found, value)
	}
	return found, nil
}

// socketsEvery is how often processes are looked at for new sockets.
const socketsEvery = time.Second

// socketWatch tells the kernel which sockets the processes that own packets have
// open. The kernel learns by itself of those that send.
type socketWatch struct {
	find func() ([]uint64, error)
	tell func(inodes []uint64) error
	tick <-chan time.Time
}

// watchSockets begins the watch where processes own the packets.
func (t *tracing) watchSockets(ctx context.Context) (_ context.Context, stop func() error, err error) {
	if !t.owner.Process() {
		return ctx, func() error { return nil }, nil
	}
	w := socketWatch{
		find: t.ownedSockets,
		tell: t.session.OwnSockets,
		tick: time.Tick(socketsEvery),
	}
	return w.start(ctx)
}

// ownedSockets are those of the processes that own packets. That some can't be looked at is
// told once.
func (t *tracing) ownedSockets() ([]uint64, error) {
	inodes, hidden, err := enrich.Sockets(t.owner.MatchesProcess)
	if len(hidden) > 0 && !t.toldHidden {
		t.toldHidden = true
		t.say.hiddenSockets(hidden)
	}
	return inodes, err
}

func (w *socketWatch) once() error {
	inodes, err := w.find()
	if err != nil {
		return err
	}
	return w.tell(inodes)
}

// start tells once, and then again at every tick until the returned context ends
// or stop is called, which waits for the end and says what went wrong. A failure
// ends the context.
func (w *socketWatch) start(ctx context.Context) (_ context.Context, stop func() error, err error) {
	if err := w.once(); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- w.run(ctx)
	}()
	return ctx, func() error { cancel(); return <-ended }, nil
}

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
