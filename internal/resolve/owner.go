// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"time"

	"tracer/internal/input"
)

// Process is a process that has a socket open.
type Process struct {
	PID  uint32
	Comm string
	// Others is the number of other processes that have the same socket open.
	Others int
}

// String returns text like nginx[812], or nginx[812] and 3 others.
func (p Process) String() string {
	text := fmt.Sprintf("%s[%d]", p.Comm, p.PID)
	switch {
	case p.Others == 1:
		text += " and 1 other"
	case p.Others > 1:
		text += fmt.Sprintf(" and %d others", p.Others)
	}
	return text
}

// owners are the cached processes of sockets by inode number.
type owners struct {
	pace    pace
	sockets map[uint64]Process
}

const (
	ownersTimeout = 300 * time.Millisecond // of a search through all processes
	ownersPause   = 500 * time.Millisecond // between two searches, at least
)

// Owner returns the process that has a socket open, by the socket's inode number. If several have it, that is the one with
// the lowest PID, but not PID 1 if there is another, since init keeps sockets for services. ok is false if none was found.
func (h *Host) Owner(inode uint64) (Process, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.owner(inode)
}

// owner searches all processes again if the socket is not in the cache and the pause since the last search is over.
func (h *Host) owner(inode uint64) (Process, bool) {
	p, ok := h.owners.sockets[inode]
	start := time.Now()
	if ok || inode == 0 || h.closed || !h.owners.pace.due(start) {
		return p, ok
	}
	defer h.owners.pace.took(start, ownersPause)
	h.owners.sockets = socketOwners(start.Add(ownersTimeout))
	p, ok = h.owners.sockets[inode]
	return p, ok
}

// socketOwners reads the open files of all processes until the deadline.
func socketOwners(deadline time.Time) map[uint64]Process {
	owners := map[uint64]Process{}
	_ = input.EachSocket(func(p input.Process, inode uint64) bool { // without /proc there are none
		old, has := owners[inode]
		if !has {
			owners[inode] = Process{PID: p.PID, Comm: p.Comm}
		} else {
			owners[inode] = old.with(p)
		}
		return time.Now().Before(deadline)
	})
	return owners
}

// with returns the process to name for a socket that p has open, too.
func (old Process) with(p input.Process) Process {
	if old.PID == 1 || p.PID != 1 && p.PID < old.PID {
		return Process{p.PID, p.Comm, old.Others + 1}
	}
	old.Others++
	return old
}
