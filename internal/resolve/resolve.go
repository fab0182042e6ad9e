// SPDX-License-Identifier: Apache-2.0

// Package resolve finds out things about the host that the kernel does not tell with a drop: the text of an
// nftables rule and who wrote it, the sockets that listen on a port, the process of a socket, the sources that
// fill the conntrack table, the state of a queue of packets. It asks by netlink in the network namespace of the drop, and reads /proc.
//
// An answer is a fact or nothing: ok is false if a question could not be answered, and [RuleText.Certain] is
// false if the answer may be about a later ruleset than the drop's. Each question has a timeout. Answers are
// kept, and asked for again at most a tenth of the time, so a flood of drops costs little.
//
// The questions need CAP_NET_ADMIN (rules, conntrack), CAP_SYS_PTRACE (sockets and namespaces of other processes), and
// for namespaces other than this process's CAP_SYS_ADMIN (to enter them). Without one of them, ok is false. As with ss and conntrack, the kernel
// may load the modules that answer: tcp_diag, udp_diag, nf_conntrack_netlink.
package resolve

import (
	"os/exec"
	"sync"
	"time"
)

// Options are the limits. Zero values are the defaults.
type Options struct {
	// Timeout limits each question to the kernel, and the time of nft; 1 s by default. The first answer about a
	// table may need two or three times as long.
	Timeout time.Duration
	// Nft is the path of the program nft, which prints rules better than this package. It is empty to look for it,
	// and "none" not to use it.
	Nft string
}

// Host answers questions about the running system. Its methods may be called concurrently; one question is
// answered at a time.
type Host struct {
	mu         sync.Mutex
	timeout    time.Duration
	idle       time.Duration
	nft        string
	namespaces map[uint32]*namespace
	owners     owners
	others     elsewhere
	closed     bool
}

// New returns a Host without any knowledge. It asks the kernel nothing yet.
func New(o Options) *Host {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	return &Host{timeout: o.Timeout, idle: idle, nft: nftPath(o.Nft), namespaces: map[uint32]*namespace{}}
}

// nftFolders are where distributions install nft. $PATH is not used, since its value may be that of another user.
var nftFolders = []string{"/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft", "/usr/bin/nft"}

func nftPath(wanted string) string {
	switch wanted {
	case "none":
		return ""
	case "":
		for _, path := range nftFolders {
			if found, err := exec.LookPath(path); err == nil {
				return found
			}
		}
		return ""
	}
	return wanted
}

// Close closes the sockets that are still open. Later questions are not answered.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, n := range h.namespaces {
		n.leave()
	}
}

// deadline is when the question that begins now must be answered.
func (h *Host) deadline() time.Time { return time.Now().Add(h.timeout) }
