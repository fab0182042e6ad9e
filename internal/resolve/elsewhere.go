// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"cmp"
	"slices"
	"time"

	"tracer/internal/input"
)

// Elsewhere are the sockets on a port in another network namespace.
type Elsewhere struct {
	Netns uint32
	// Path is the path of the namespace: /run/netns/NAME, or /proc/PID/ns/net.
	Path string
	Listeners
}

const (
	elsewhereMost  = 256 // namespaces
	elsewherePause = 2 * time.Second
)

// elsewhere are the cached answers.
type elsewhere struct {
	pace    pace
	answers map[portKey][]Elsewhere
}

// portKey is a question.
type portKey struct {
	netns    uint32
	protocol Protocol
	port     uint16
}

// ListenersElsewhere returns the sockets on a port in the other network namespaces that have a name or a process, as many
// as it can search within the timeout. It caches the answer for one port until the next search; ok is false for other
// ports until then.
func (h *Host) ListenersElsewhere(netns uint32, protocol Protocol, port uint16) (found []Elsewhere, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key, start := portKey{netns, protocol, port}, time.Now()
	if !h.others.pace.due(start) {
		found, ok = h.others.answers[key]
		return found, ok
	}
	found = h.look(key, h.deadline())
	h.others.pace.took(start, elsewherePause)
	h.others.answers = map[portKey][]Elsewhere{key: found}
	return found, true
}

// look searches the other namespaces.
func (h *Host) look(key portKey, deadline time.Time) (found []Elsewhere) {
	for inode, path := range input.AllNetns(elsewhereMost) {
		if inode == key.netns || time.Now().After(deadline) {
			continue
		}
		if l, ok := h.listenersOnce(inode, path, key.protocol, key.port); ok && len(l.Sockets) > 0 {
			found = append(found, Elsewhere{inode, path, l})
		}
	}
	slices.SortFunc(found, func(a, b Elsewhere) int { return cmp.Compare(a.Path, b.Path) })
	return found
}

// listenersOnce is listeners for a namespace whose path is known. It closes the files of the namespace unless they were
// open before.
func (h *Host) listenersOnce(inode uint32, path string, protocol Protocol, port uint16) (Listeners, bool) {
	n := h.namespaces[inode]
	if n == nil {
		n = &namespace{inode: inode, path: path}
		h.namespaces[inode] = n
	}
	if n.file == nil {
		defer n.leave()
	}
	return h.listeners(inode, protocol, port)
}
