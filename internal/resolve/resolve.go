// SPDX-License-Identifier: Apache-2.0

// Package resolve looks up what the record of a drop does not have: the text and the author of a rule of nftables,
// iptables-legacy or ebtables, the sockets that listen on a port, the process of a socket, the sources that fill the
// conntrack table, the state of an NFQUEUE queue. It uses netlink and getsockopt in the network namespace of the drop, and
// /proc.
//
// An answer is a fact or nothing: ok is false if a question could not be answered, and [RuleText.Certain] and
// [LegacyRule.Certain] are false if the answer may be about a later ruleset than that of the drop. Each question has a
// timeout. Answers are cached, and questions of one kind take at most a tenth of the time, so a flood of drops costs
// little.
//
// The questions need CAP_NET_ADMIN (rules, conntrack), CAP_SYS_PTRACE (sockets and namespaces of other processes), and
// CAP_SYS_ADMIN to enter network namespaces other than that of this process. Without one of them, ok is false. As for ss
// and conntrack, the kernel may load modules to answer: tcp_diag, udp_diag, nf_conntrack_netlink.
package resolve

import (
	"os/exec"
	"sync"
	"time"
)

// Options are the limits. Zero values are the defaults.
type Options struct {
	// Timeout limits each question to the kernel, and each run of nft; 1 s by default. The first answer about a
	// table may take two or three times as long.
	Timeout time.Duration
	// Nft is the path of the program nft, which prints more kinds of rules than this package. If it is empty, nft is
	// searched for in nftFolders; "none" disables it.
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

// New returns a Host without cached answers. It does not ask the kernel yet.
func New(o Options) *Host {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	return &Host{timeout: o.Timeout, idle: idle, nft: nftPath(o.Nft), namespaces: map[uint32]*namespace{}}
}

// nftFolders are the paths at which distributions install nft. $PATH is not used, since another user may have set it.
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

// deadline returns the time at which a question that begins now ends.
func (h *Host) deadline() time.Time { return time.Now().Add(h.timeout) }
