// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// Packet is a packet for which the kernel found no socket.
type Packet struct {
	Source, Destination netip.AddrPort
	// Device is the index of the device by which the packet came: that of the VRF if the device belongs to one.
	Device uint32
}

// Missed says which sockets have the packet's destination port, and why each does not take the packet, now or at the last
// reading, not at the drop. ok is as for [Host.Listeners].
func (h *Host) Missed(netns uint32, protocol Protocol, p Packet) (text string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.listeners(netns, protocol, p.Destination.Port())
	if !ok {
		return "", false
	}
	n, err := h.enter(netns)
	if err != nil {
		return "", false
	}
	return l.against(p, n.arrivalOf(p, protocol)), true
}

// arrival is what is known about the device of a packet.
type arrival struct {
	index uint32
	// vrf is the name of the device if it is a VRF; "" otherwise.
	vrf string
	// isSlave reports whether a device belongs to the VRF.
	isSlave func(index uint32) bool
	// outside is set if sockets without a device take packets of VRFs (l3mdev_accept), or if that is unknown.
	outside bool
}

// arrivalOf looks up the device of a packet.
func (n *namespace) arrivalOf(p Packet, protocol Protocol) arrival {
	a := arrival{index: p.Device, isSlave: func(uint32) bool { return false }}
	if p.Device == 0 {
		return a
	}
	if d := n.device(p.Device); d.kind == "vrf" {
		a.vrf = d.name
		a.isSlave = func(index uint32) bool { return n.device(index).master == p.Device }
		a.outside = n.setting(acceptSetting(protocol)) != "0"
	}
	return a
}

// acceptSetting is the sysctl with which sockets without a device take packets of VRFs, without net.ipv4.
func acceptSetting(protocol Protocol) string {
	if protocol == TCP {
		return "tcp_l3mdev_accept"
	}
	return "udp_l3mdev_accept"
}

// setting returns a value below /proc/sys/net/ipv4 in the namespace, or "".
func (n *namespace) setting(name string) string {
	var value []byte
	err := n.inside(func() (err error) {
		value, err = os.ReadFile("/proc/sys/net/ipv4/" + name)
		return err
	})
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(value))
}

// against returns the text of the sockets, with why each does not take the packet.
func (l Listeners) against(p Packet, a arrival) string {
	if len(l.Sockets) == 0 || !p.Destination.Addr().IsValid() {
		return l.String()
	}
	var texts []string
	only := len(l.Sockets) == 1 && !l.More
	for _, s := range l.Sockets[:min(len(l.Sockets), socketsShown)] {
		texts = append(texts, s.against(p, a, l.Protocol, only))
	}
	if l.More || len(l.Sockets) > socketsShown {
		texts = append(texts, "others")
	}
	return strings.Join(texts, "; ")
}

// against returns a clause about why the socket does not take the packet. only is set if it is the only one on the port.
func (l Listener) against(p Packet, a arrival, protocol Protocol, only bool) string {
	what := strings.TrimSpace(l.clause(protocol) + l.otherFamily(p))
	switch {
	case l.Remote.IsValid() && !same(l.Remote, p.Source):
		return l.connection() + " does not match"
	case !l.hasAddress(p) || !l.hasDevice(a):
		if only {
			what += " only"
		}
		return what
	case l.Device == "" && a.vrf != "" && !a.outside:
		return fmt.Sprintf("%s, but takes no packets of VRF %s (net.ipv4.%s=0)", what, a.vrf, acceptSetting(protocol))
	}
	return what + " now"
}

// connection returns text like the connected UDP socket 10.0.0.1:53 of dns[7], to 10.0.0.2:40000.
func (l Listener) connection() string {
	text := "the connected UDP socket " + hostPort(l.Local)
	if l.Owner.PID != 0 {
		text += " of " + l.Owner.String()
	}
	return text + ", to " + hostPort(l.Remote) + ","
}

// otherFamily is the family of a socket of IPv4 on any address, for a packet of IPv6.
func (l Listener) otherFamily(p Packet) string {
	if l.Local.Addr() == netip.IPv4Unspecified() && !p.Destination.Addr().Unmap().Is4() {
		return ", IPv4"
	}
	return ""
}

// hasAddress reports whether the socket receives packets for the destination.
func (l Listener) hasAddress(p Packet) bool {
	local, to := l.Local.Addr().Unmap().WithZone(""), p.Destination.Addr().Unmap().WithZone("")
	switch {
	case local == netip.IPv4Unspecified():
		return to.Is4()
	case local == netip.IPv6Unspecified():
		return to.Is6() || !l.Only6
	}
	return local == to
}

// hasDevice reports whether the socket receives packets from the device, which may be unknown.
func (l Listener) hasDevice(a arrival) bool {
	return l.Device == "" || a.index == 0 || l.Index == a.index || a.isSlave(l.Index)
}

// same reports whether two ends are the same, also if one is an IPv4 address in IPv6 form.
func same(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && a.Addr().Unmap().WithZone("") == b.Addr().Unmap().WithZone("")
}
