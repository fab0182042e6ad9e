// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Tunnel is a tunnel from one host to another.
type Tunnel struct {
	// Kind is vxlan, geneve, gre, gretap, ip6gre, ip6gretap, ipip, sit or ip6tnl.
	Kind string
	// Local and Remote are the outer addresses. For Geneve the kernel chooses the local address.
	// VXLAN and IP in IP may have no remote one.
	Local, Remote netip.Addr
	// ID is the VNI of VXLAN and Geneve, or the key of GRE; 0 means no key.
	ID uint32
	// Port is the outer UDP port of VXLAN and Geneve; 0 means the default of Linux, 8472 or 6081.
	Port uint16
}

// Between returns the tunnel from local to remote.
func (tun Tunnel) Between(local, remote netip.Addr) Tunnel {
	tun.Local, tun.Remote = local, remote
	return tun
}

// NewTunnel creates one end of a tunnel, up and with addresses.
func NewTunnel(t testing.TB, e End, tun Tunnel) {
	t.Helper()
	needsModule(t, e.Netns.Do(func() error {
		driver, err := tun.driver()
		if err != nil {
			return err
		}
		return newLink(e.Name, tun.Kind, driver)
	}))
	e.use(t)
}

func (tun Tunnel) driver() (rtnetlink.LinkDriver, error) {
	put, ok := map[string]func(*netlink.AttributeEncoder){
		"vxlan": tun.vxlan, "geneve": tun.geneve,
		"gre": tun.gre, "gretap": tun.gre, "ip6gre": tun.gre, "ip6gretap": tun.gre,
		"ipip": tun.ip, "sit": tun.ip, "ip6tnl": tun.ip6,
	}[tun.Kind]
	if !ok {
		return nil, fmt.Errorf("no tunnel of kind %q", tun.Kind)
	}
	return attributes{tun.Kind, put}, nil
}

func (tun Tunnel) vxlan(e *netlink.AttributeEncoder) {
	e.Uint32(unix.IFLA_VXLAN_ID, tun.ID)
	if !tun.Remote.IsValid() {
		e.Bytes(unix.IFLA_VXLAN_LOCAL, tun.Local.AsSlice())
	} else if tun.Remote.Is6() {
		e.Bytes(unix.IFLA_VXLAN_LOCAL6, tun.Local.AsSlice())
		e.Bytes(unix.IFLA_VXLAN_GROUP6, tun.Remote.AsSlice())
	} else {
		e.Bytes(unix.IFLA_VXLAN_LOCAL, tun.Local.AsSlice())
		e.Bytes(unix.IFLA_VXLAN_GROUP, tun.Remote.AsSlice())
	}
	if tun.Port != 0 {
		e.Bytes(unix.IFLA_VXLAN_PORT, big16(tun.Port))
	}
}

func (tun Tunnel) geneve(e *netlink.AttributeEncoder) {
	e.Uint32(unix.IFLA_GENEVE_ID, tun.ID)
	if tun.Remote.Is6() {
		e.Bytes(unix.IFLA_GENEVE_REMOTE6, tun.Remote.AsSlice())
	} else {
		e.Bytes(unix.IFLA_GENEVE_REMOTE, tun.Remote.AsSlice())
	}
	if tun.Port != 0 {
		e.Bytes(unix.IFLA_GENEVE_PORT, big16(tun.Port))
	}
}

// Attributes of GRE and of IP in IP, which x/sys does not define.
const (
	greFlagsIn  = 2
	greFlagsOut = 3
	greKeyIn    = 4
	greKeyOut   = 5
	greLocal    = 6
	greRemote   = 7
	greTTL      = 8
	greHasKey   = 0x2000

	ipLocal  = 2
	ipRemote = 3
	ipTTL    = 4
)

func (tun Tunnel) gre(e *netlink.AttributeEncoder) {
	e.Bytes(greLocal, tun.Local.AsSlice())
	e.Bytes(greRemote, tun.Remote.AsSlice())
	e.Uint8(greTTL, 64)
	if tun.ID == 0 {
		return
	}
	key := binary.BigEndian.AppendUint32(nil, tun.ID)
	for _, way := range []struct{ flags, key uint16 }{{greFlagsIn, greKeyIn}, {greFlagsOut, greKeyOut}} {
		e.Bytes(way.flags, big16(greHasKey))
		e.Bytes(way.key, key)
	}
}

func (tun Tunnel) ip(e *netlink.AttributeEncoder) {
	e.Bytes(ipLocal, tun.Local.AsSlice())
	if tun.Remote.IsValid() {
		e.Bytes(ipRemote, tun.Remote.AsSlice())
	}
	e.Uint8(ipTTL, 64)
}

// ip6 carries packets of both IP versions, without the tunnel encapsulation limit option.
func (tun Tunnel) ip6(e *netlink.AttributeEncoder) {
	const ignoreLimit, protocol, flags = 1, 9, 8 // IP6_TNL_F_IGN_ENCAP_LIMIT, IFLA_IPTUN_PROTO, IFLA_IPTUN_FLAGS
	tun.ip(e)
	e.Uint32(flags, ignoreLimit)
	e.Uint8(protocol, 0)
}

func big16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
