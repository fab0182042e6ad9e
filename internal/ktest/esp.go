// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ESP encrypts everything that one host sends to another (IPsec).
type ESP struct {
	Local, Remote netip.Addr
	// From and To are the networks of a tunnel. Without them, the two hosts' own packets are encrypted
	// (transport mode).
	From, To netip.Prefix
}

// Between returns e with these two hosts.
func (e ESP) Between(local, remote netip.Addr) ESP {
	e.Local, e.Remote = local, remote
	return e
}

// Reverse returns the opposite direction.
func (e ESP) Reverse() ESP { return ESP{e.Remote, e.Local, e.To, e.From} }

func (e ESP) mode() netlink.Mode {
	if e.To.IsValid() {
		return netlink.XFRM_MODE_TUNNEL
	}
	return netlink.XFRM_MODE_TRANSPORT
}

// NewESP sets up one end: it encrypts everything that it sends to the other host, and accepts only encrypted
// packets from it.
func NewESP(t testing.TB, n *Netns, e ESP) {
	t.Helper()
	NewStates(t, n, e.State(), e.Reverse().State())
	NewPolicy(t, n, e.Policy(netlink.XFRM_DIR_OUT))
	NewPolicy(t, n, e.Reverse().Policy(netlink.XFRM_DIR_IN))
}

// NewStates adds security associations.
func NewStates(t testing.TB, n *Netns, states ...*netlink.XfrmState) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		for _, s := range states {
			if err := netlink.XfrmStateAdd(s); err != nil {
				return fmt.Errorf("ESP from %s to %s: %w", s.Src, s.Dst, err)
			}
		}
		return nil
	}))
}

// NewPolicy adds a policy.
func NewPolicy(t testing.TB, n *Netns, p *netlink.XfrmPolicy) {
	t.Helper()
	needsModule(t, n.Do(func() error { return netlink.XfrmPolicyAdd(p) }))
}

// Blocking returns a policy that blocks what one host sends to another.
func Blocking(from, to netip.Addr, direction netlink.Dir) *netlink.XfrmPolicy {
	p := ESP{Local: from, Remote: to}.Policy(direction)
	p.Action, p.Tmpls = netlink.XFRM_POLICY_BLOCK, nil
	return p
}

// ListenForAcquires opens a socket that asks for security associations, as an IKE daemon does, until the test ends. It
// answers nothing.
func ListenForAcquires(t testing.TB, n *Netns) {
	t.Helper()
	const acquires = 1 // XFRMNLGRP_ACQUIRE is 1: bit 0
	var fd int
	needsModule(t, n.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_XFRM); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: acquires})
	}))
	t.Cleanup(func() { unix.Close(fd) })
}

// State returns the security association, with a fixed authentication key and the null cipher. Other ciphers need
// random numbers, for which the modules differ between kernels.
func (e ESP) State() *netlink.XfrmState {
	spi := e.Remote.As4()
	return &netlink.XfrmState{
		Src: e.Local.AsSlice(), Dst: e.Remote.AsSlice(),
		Proto: netlink.XFRM_PROTO_ESP, Mode: e.mode(), Spi: 0x1000 + int(spi[3]), ReplayWindow: 32,
		Auth:  &netlink.XfrmStateAlgo{Name: "hmac(sha256)", Key: bytes.Repeat([]byte{7}, 32), TruncateLen: 128},
		Crypt: &netlink.XfrmStateAlgo{Name: "ecb(cipher_null)"},
	}
}

// Policy returns the policy that requires ESP for what the one host sends to the other.
func (e ESP) Policy(direction netlink.Dir) *netlink.XfrmPolicy {
	from, to := e.From, e.To
	if !to.IsValid() {
		from, to = netip.PrefixFrom(e.Local, e.Local.BitLen()), netip.PrefixFrom(e.Remote, e.Remote.BitLen())
	}
	return &netlink.XfrmPolicy{
		Src: network(from), Dst: network(to), Dir: direction,
		Tmpls: []netlink.XfrmPolicyTmpl{{
			Src: e.Local.AsSlice(), Dst: e.Remote.AsSlice(), Proto: netlink.XFRM_PROTO_ESP, Mode: e.mode(),
		}},
	}
}
