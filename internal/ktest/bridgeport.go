// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// PortState is the state of a bridge port (BR_STATE_*).
type PortState byte

// Without STP, the kernel soon makes a blocking port forwarding.
const (
	PortListening PortState = 1
	PortLearning  PortState = 2
)

// Port are the settings of a bridge port that differ from those of a new one.
type Port struct {
	State *PortState
	// Locked ports only take frames from addresses that they know (5.18).
	Locked            bool
	NoFlood, Isolated bool
}

// SetPort changes the settings of a bridge port.
func SetPort(t testing.TB, n *Netns, device string, p Port) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		message := nl.NewIfInfomsg(unix.AF_BRIDGE)
		message.Index = int32(l.Attrs().Index)
		req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
		req.AddData(message)
		req.AddData(p.attributes())
		_, err := req.Execute(unix.NETLINK_ROUTE, 0)
		return err
	}))
}

func (p Port) attributes() *nl.RtAttr {
	info := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	if p.State != nil {
		info.AddRtAttr(nl.IFLA_BRPORT_STATE, []byte{byte(*p.State)})
	}
	if p.Locked {
		info.AddRtAttr(nl.IFLA_BRPORT_LOCKED, []byte{1})
	}
	if p.NoFlood {
		info.AddRtAttr(nl.IFLA_BRPORT_UNICAST_FLOOD, []byte{0})
	}
	if p.Isolated {
		info.AddRtAttr(nl.IFLA_BRPORT_ISOLATED, []byte{1})
	}
	return info
}

// AddForwarding adds a static entry to the forwarding table of a bridge: the address is behind the port.
func AddForwarding(t testing.TB, n *Netns, port string, addr net.HardwareAddr) {
	t.Helper()
	must(t, n.withLink(port, func(l netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: l.Attrs().Index, Family: unix.AF_BRIDGE, State: netlink.NUD_NOARP, Flags: netlink.NTF_MASTER, HardwareAddr: addr,
		})
	}))
}

// AddRemote adds a static entry to the forwarding table of a VXLAN device: the address is behind another host.
func AddRemote(t testing.TB, n *Netns, device string, addr net.HardwareAddr, host netip.Addr) {
	t.Helper()
	must(t, n.withLink(device, func(l netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: l.Attrs().Index, Family: unix.AF_BRIDGE, State: netlink.NUD_NOARP | netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF, HardwareAddr: addr, IP: host.AsSlice(),
		})
	}))
}

// FilterVLANs makes a bridge filter VLANs. Each port has VLAN 1, untagged.
func FilterVLANs(t testing.TB, n *Netns, bridge string) {
	t.Helper()
	needsModule(t, n.withLink(bridge, func(l netlink.Link) error {
		message := nl.NewIfInfomsg(unix.AF_UNSPEC)
		message.Index = int32(l.Attrs().Index)
		info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
		info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
		info.AddRtAttr(nl.IFLA_INFO_DATA, nil).AddRtAttr(nl.IFLA_BR_VLAN_FILTERING, []byte{1})
		req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
		req.AddData(message)
		req.AddData(info)
		_, err := req.Execute(unix.NETLINK_ROUTE, 0)
		return err
	}))
}

// RemoveVLAN removes a VLAN from a bridge port.
func RemoveVLAN(t testing.TB, n *Netns, port string, id uint16) {
	t.Helper()
	must(t, n.withLink(port, func(l netlink.Link) error { return netlink.BridgeVlanDel(l, id, true, true, false, true) }))
}
