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
	// Path leads to the namespace: /run/netns/NAME, or /proc/PID/ns/net.
	Path string
	Listeners
}

const (
	elsewhereMost  = 256 // namespaces
	elsewherePause = 2 * time.Second
)

// elsewhere are the namespaces that were looked at last.
type elsewhere struct {
	pace  pace
	paths map[uint32]string
}

// ListenersElsewhere returns the sockets on a port in the other network namespaces that have a name or a process. It
// looks at as many as it can within the timeout. Between two looks it answers from the last one, and has no answer
// about ports of the other protocol that were not looked at.
func (h *Host) ListenersElsewhere(netns uint32, protocol Protocol, port uint16) (found []Elsewhere) {
	h.mu.Lock()
	defer h.mu.Unlock()
	start := time.Now()
	isDue, deadline := h.others.pace.due(start), h.deadline()
	if isDue {
		defer h.others.pace.took(start, elsewherePause)
		h.others.paths = input.AllNetns(elsewhereMost)
	}
	for inode, path := range h.others.paths {
		if inode == netns || !isDue && !h.listed(inode, protocol) || time.Now().After(deadline) {
			continue
		}
		if l, ok := h.listenersOnce(inode, path, protocol, port); ok && len(l.Sockets) > 0 {
			found = append(found, Elsewhere{inode, path, l})
		}
	}
	slices.SortFunc(found, func(a, b Elsewhere) int { return cmp.Compare(a.Path, b.Path) })
	return found
}

// listed reports whether the sockets of a namespace were listed and need not be listed again.
func (h *Host) listed(inode uint32, protocol Protocol) bool {
	n := h.namespaces[inode]
	return n != nil && n.sockets[protocol] != nil && !n.sockets[protocol].pace.due(time.Now())
}

// listenersOnce is listeners for a namespace whose path is known. It closes the files of the namespace, unless they
// were open.
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
