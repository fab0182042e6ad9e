// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// keeper compresses and removes older files in a goroutine of its own.
type keeper struct {
	*place
	Rotation
	// pending is the name of a backup that rotate is creating, and that does not have its content yet.
	pending atomic.Pointer[string]
	work    chan struct{}
	done    sync.WaitGroup
	err     error
}

func newKeeper(p *place, r Rotation) *keeper {
	k := &keeper{place: p, Rotation: r, work: make(chan struct{}, 1)}
	k.done.Go(k.run)
	k.start()
	return k
}

// finish waits for all requested runs of tidy, and returns the first error.
func (k *keeper) finish() error {
	close(k.work)
	k.done.Wait()
	return k.err
}

// start requests a run of tidy. It does nothing if a request is already pending.
func (k *keeper) start() {
	select {
	case k.work <- struct{}{}:
	default:
	}
}

func (k *keeper) run() {
	for range k.work {
		k.err = cmp.Or(k.err, k.tidy(time.Now()))
	}
}

// tidy removes or compresses older files as Rotation requires.
func (k *keeper) tidy(now time.Time) error {
	if k.MaxBackups == 0 && k.MaxAge == 0 && !k.Compress {
		return nil
	}
	list, err := k.backups()
	if err != nil {
		return err
	}
	for i, b := range list {
		switch {
		case k.expired(i, b, now):
			err = errors.Join(err, k.discard(b))
		case k.Compress && b.plain:
			err = errors.Join(err, k.compress(b.name))
		}
	}
	return err
}

// expired reports whether a backup has to be removed. newer is the number of newer backups.
func (k *keeper) expired(newer int, b backup, now time.Time) bool {
	return k.MaxBackups > 0 && newer >= k.MaxBackups || k.MaxAge > 0 && now.Sub(b.time) > time.Duration(k.MaxAge)*24*time.Hour
}

func (k *keeper) discard(b backup) (err error) {
	if b.plain {
		err = k.removeOld(b.name)
	}
	if b.zipped {
		err = errors.Join(err, k.removeOld(b.name+packed))
	}
	return err
}

// removeOld removes a backup. It ignores a directory with this name.
func (k *keeper) removeOld(name string) error {
	switch err := k.remove(name); {
	case err == nil, errors.Is(err, unix.ENOENT), errors.Is(err, unix.EISDIR):
		return nil
	default:
		return fmt.Errorf("remove the old file %s: %w", text(k.at(name)), err)
	}
}

// backups lists the older files, newest first.
func (k *keeper) backups() ([]backup, error) {
	files, err := k.names()
	if err != nil {
		return nil, err
	}
	var list []backup
	for _, file := range files {
		b, ok := parseBackup(k.name, file)
		if pending := k.pending.Load(); ok && (pending == nil || b.name != *pending) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b backup) int { return cmp.Or(b.time.Compare(a.time), cmp.Compare(a.name, b.name)) })
	return merge(list), nil
}
