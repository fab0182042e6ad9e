// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"os"
	"time"

	"tracer/internal/input"
)

// Way returns a path of a network namespace: /run/netns/NAME, another name, or /proc/PID/ns/net; "" for the namespace of
// this process, which needs no way. ok is false if the namespace has neither a name nor a process.
func (h *Host) Way(netns uint32) (path string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || netns == 0 {
		return "", false
	}
	n := h.namespaces[netns]
	if n == nil {
		h.forget()
		n = &namespace{inode: netns}
		h.namespaces[netns] = n
	}
	if now := time.Now(); now.Sub(n.way.at) >= wayPause {
		n.way.path, n.way.ok = n.findWay()
		n.way.at = now
	}
	return n.way.path, n.way.ok
}

// wayPause is how long a way is kept, so that a flood of drops costs little.
const wayPause = 200 * time.Millisecond

// way is a cached answer.
type way struct {
	at   time.Time
	path string
	ok   bool
}

func (n *namespace) findWay() (path string, ok bool) {
	f, err := n.find()
	if err != nil {
		return "", false
	}
	defer func() { _ = f.Close() }() // nothing was written
	if isOurs(f) {
		return "", true
	}
	return n.path, true
}

// initialNetns is the network namespace of the first process, which is the initial one outside of containers.
const initialNetns = "/proc/1/ns/net"

// WayToInitial returns the path of the initial network namespace, or "" if this process is in it, or if it is not visible.
func WayToInitial() string {
	first, err := os.Stat(initialNetns)
	if err != nil {
		return ""
	}
	if ours, err := os.Stat(input.OwnNetns); err != nil || os.SameFile(first, ours) {
		return ""
	}
	return initialNetns
}
