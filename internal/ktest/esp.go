// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
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
	needsModule(t, n.Do(func() error {
		for _, way := range []ESP{e, e.Reverse()} {
			if err := netlink.XfrmStateAdd(way.state()); err != nil {
				return fmt.Errorf("ESP from %s to %s: %w", way.Local, way.Remote, err)
			}
		}
		if err := netlink.XfrmPolicyAdd(e.policy(netlink.XFRM_DIR_OUT)); err != nil {
			return err
		}
		return netlink.XfrmPolicyAdd(e.Reverse().policy(netlink.XFRM_DIR_IN))
	}))
}

// state returns the security association, with a fixed authentication key and the null cipher. Other ciphers need
// random numbers, for which the modules differ between kernels.
func (e ESP) state() *netlink.XfrmState {
	spi := e.Remote.As4()
	return &netlink.XfrmState{
		Src: e.Local.AsSlice(), Dst: e.Remote.AsSlice(),
		Proto: netlink.XFRM_PROTO_ESP, Mode: e.mode(), Spi: 0x1000 + int(spi[3]), ReplayWindow: 32,
		Auth:  &netlink.XfrmStateAlgo{Name: "hmac(sha256)", Key: bytes.Repeat([]byte{7}, 32), TruncateLen: 128},
		Crypt: &netlink.XfrmStateAlgo{Name: "ecb(cipher_null)"},
	}
}

func (e ESP) policy(direction netlink.Dir) *netlink.XfrmPolicy {
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
