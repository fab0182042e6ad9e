// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// WireGuard is one end of a WireGuard tunnel. Its key is derived from its address.
type WireGuard struct {
	// Local and Remote are the outer addresses, with ports.
	Local, Remote netip.AddrPort
	// Inside are the allowed IPs: the networks whose packets pass through the tunnel.
	Inside []netip.Prefix
}

// Attributes and the command of WireGuard (uapi/linux/wireguard.h).
const (
	wgSetDevice = 1
	wgVersion   = 1

	wgName, wgPrivateKey, wgListenPort, wgPeers = 2, 3, 6, 8

	wgPeerKey, wgPeerEndpoint, wgPeerAllowed = 1, 4, 9

	wgFamily, wgAddress, wgMask = 1, 2, 3
)

// NewWireGuard creates one end, up and with addresses.
func NewWireGuard(t testing.TB, e End, w WireGuard) {
	t.Helper()
	needsModule(t, e.Netns.Do(func() error {
		if err := netlink.LinkAdd(&netlink.Wireguard{LinkAttrs: netlink.LinkAttrs{Name: e.Name}}); err != nil {
			return fmt.Errorf("WireGuard device %s: %w", e.Name, err)
		}
		return w.configure(e.Name)
	}))
	e.use(t)
}

func (w WireGuard) configure(name string) error {
	family, err := netlink.GenlFamilyGet("wireguard")
	if err != nil {
		return fmt.Errorf("netlink family of WireGuard: %w", err)
	}
	private, err := key(w.Local)
	if err != nil {
		return err
	}
	peers, err := w.peers()
	if err != nil {
		return err
	}
	request := nl.NewNetlinkRequest(int(family.ID), unix.NLM_F_ACK)
	request.AddData(&nl.Genlmsg{Command: wgSetDevice, Version: wgVersion})
	request.AddData(nl.NewRtAttr(wgName, nl.ZeroTerminated(name)))
	request.AddData(nl.NewRtAttr(wgPrivateKey, private.Bytes()))
	request.AddData(nl.NewRtAttr(wgListenPort, nl.Uint16Attr(w.Local.Port())))
	request.AddData(peers)
	_, err = request.Execute(unix.NETLINK_GENERIC, 0)
	return err
}

// key returns the private key of the end with that address. It is derived from the address, so it is not secret.
func key(host netip.AddrPort) (*ecdh.PrivateKey, error) {
	sum := sha256.Sum256([]byte(host.String()))
	return ecdh.X25519().NewPrivateKey(sum[:])
}

// peers returns the list of peers, with the other end as the only one.
func (w WireGuard) peers() (*nl.RtAttr, error) {
	remote, err := key(w.Remote)
	if err != nil {
		return nil, err
	}
	peers := nl.NewRtAttr(wgPeers|unix.NLA_F_NESTED, nil)
	peer := peers.AddRtAttr(unix.NLA_F_NESTED, nil)
	peer.AddRtAttr(wgPeerKey, remote.PublicKey().Bytes())
	peer.AddRtAttr(wgPeerEndpoint, endpoint(w.Remote))
	allowed := peer.AddRtAttr(wgPeerAllowed|unix.NLA_F_NESTED, nil)
	for _, p := range w.Inside {
		network := allowed.AddRtAttr(unix.NLA_F_NESTED, nil)
		network.AddRtAttr(wgFamily, nl.Uint16Attr(familyOf(p.Addr())))
		network.AddRtAttr(wgAddress, p.Addr().AsSlice())
		network.AddRtAttr(wgMask, nl.Uint8Attr(uint8(p.Bits())))
	}
	return peers, nil
}

func familyOf(a netip.Addr) uint16 {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// endpoint returns a struct sockaddr_in or sockaddr_in6.
func endpoint(to netip.AddrPort) []byte {
	address := binary.NativeEndian.AppendUint16(nil, familyOf(to.Addr()))
	address = append(address, big16(to.Port())...)
	if to.Addr().Is6() {
		address = append(append(address, 0, 0, 0, 0), to.Addr().AsSlice()...)
		return append(address, 0, 0, 0, 0)
	}
	return append(append(address, to.Addr().AsSlice()...), make([]byte, 8)...)
}
