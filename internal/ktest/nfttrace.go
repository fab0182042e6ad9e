// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// NftTrace receives what nftables decides about the packets that have the flag nftrace, as `nft monitor trace` does.
type NftTrace struct {
	fd     int
	buffer []byte
}

// NftDecision is what a rule, or the policy of a base chain, decided about a packet.
type NftDecision struct {
	Family       nftables.TableFamily
	Table, Chain string
	// Handle is that of the rule, or 0 for a policy.
	Handle uint64
	// Drops is set if the packet is dropped.
	Drops bool
	// Packet is the kernel's number of the packet. A later packet may have the same number.
	Packet uint32
	// Header is the beginning of the network header, valid until the next call of Next. Only the first decision of
	// each base chain has it.
	Header []byte
}

// NewNftTrace opens the socket in a namespace, and closes it at the end of the test.
func NewNftTrace(t testing.TB, n *Netns) *NftTrace {
	t.Helper()
	r := &NftTrace{buffer: make([]byte, 1<<16)}
	must(t, n.Do(func() (err error) {
		r.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		return err
	}))
	t.Cleanup(func() { unix.Close(r.fd) })
	must(t, unix.Bind(r.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	must(t, unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20))
	must(t, unix.SetsockoptTimeval(r.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200000}))
	must(t, unix.SetsockoptInt(r.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.NFNLGRP_NFTRACE))
	return r
}

// Next waits for a decision. The error is ENOBUFS if the kernel has dropped decisions, which may be older or newer
// than the next ones, until an EAGAIN shows that the queue is empty.
func (r *NftTrace) Next() (NftDecision, error) {
	for {
		n, _, err := unix.Recvfrom(r.fd, r.buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return NftDecision{}, err
		}
		if d, ok := parseNftTrace(r.buffer[:n]); ok {
			return d, nil
		}
	}
}

// parseNftTrace parses a message. It returns false for messages that are no decision.
func parseNftTrace(b []byte) (d NftDecision, ok bool) {
	const message = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_TRACE
	const head = unix.NLMSG_HDRLEN + 4 // followed by the attributes; the second part is struct nfgenmsg
	if len(b) < head || binary.NativeEndian.Uint16(b[4:]) != message {
		return d, false
	}
	d.Family = nftables.TableFamily(b[unix.NLMSG_HDRLEN])
	eachAttribute(b[head:], func(kind uint16, value []byte) {
		switch kind {
		case unix.NFTA_TRACE_TABLE:
			d.Table = strings.TrimRight(string(value), "\x00")
		case unix.NFTA_TRACE_CHAIN:
			d.Chain = strings.TrimRight(string(value), "\x00")
		case unix.NFTA_TRACE_RULE_HANDLE:
			d.Handle = binary.BigEndian.Uint64(value)
		case unix.NFTA_TRACE_ID:
			d.Packet = binary.NativeEndian.Uint32(value)
		case unix.NFTA_TRACE_NETWORK_HEADER:
			d.Header = value
		case unix.NFTA_TRACE_POLICY:
			d.Drops = binary.BigEndian.Uint32(value) == uint32(nftables.ChainPolicyDrop)
		case unix.NFTA_TRACE_VERDICT:
			d.Drops = isDropVerdict(value)
		}
	})
	return d, true
}

// isDropVerdict reports whether the attributes of a verdict are those of a drop. Its upper bits are an error number;
// jumps and the like are negative.
func isDropVerdict(b []byte) (drops bool) {
	const drop, mask = 0, 0xff // NF_DROP, NF_VERDICT_MASK
	eachAttribute(b, func(kind uint16, value []byte) {
		if kind == unix.NFTA_VERDICT_CODE {
			code := int32(binary.BigEndian.Uint32(value))
			drops = code >= 0 && code&mask == drop
		}
	})
	return drops
}

// eachAttribute calls use with each netlink attribute.
func eachAttribute(b []byte, use func(kind uint16, value []byte)) {
	const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
	for len(b) >= unix.NLA_HDRLEN {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if size < unix.NLA_HDRLEN || size > len(b) {
			return
		}
		use(kind&^flags, b[unix.NLA_HDRLEN:size])
		b = b[min(len(b), (size+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1)):]
	}
}

// SetNftrace returns the expressions of a rule that sets the flag nftrace of all packets.
func SetNftrace() []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: []byte{1}},
		&expr.Meta{Key: expr.MetaKeyNFTRACE, SourceRegister: true, Register: 1},
	}
}
