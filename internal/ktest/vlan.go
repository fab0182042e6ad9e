// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// VLAN describes a VLAN device.
type VLAN struct {
	// Lower is the device below the VLAN device.
	Lower string
	ID    uint16
	// Service selects an 802.1ad service tag instead of an 802.1Q tag.
	Service bool
}

// NewVLAN creates a VLAN device on top of another device, up and with addresses. It carries IPv4 at once.
func NewVLAN(t testing.TB, e End, v VLAN) {
	t.Helper()
	needsModule(t, e.Netns.Do(func() error { return v.create(e.Name) }))
	e.use(t)
}

func (v VLAN) create(name string) error {
	lower, err := net.InterfaceByName(v.Lower)
	if err != nil {
		return fmt.Errorf("device %q: %w", v.Lower, err)
	}
	return newLinkOn(uint32(lower.Index), name, "vlan", attributes{"vlan", v.put})
}

func (v VLAN) put(e *netlink.AttributeEncoder) {
	e.Uint16(unix.IFLA_VLAN_ID, v.ID)
	kind := uint16(unix.ETH_P_8021Q)
	if v.Service {
		kind = unix.ETH_P_8021AD
	}
	e.Bytes(unix.IFLA_VLAN_PROTOCOL, big16(kind))
}
