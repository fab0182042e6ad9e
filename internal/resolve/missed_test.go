// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net"
	"net/netip"
	"testing"

	"tracer/internal/ktest"
)

// TestMissedClauses checks what is said of each kind of socket that does not take a packet.
func TestMissedClauses(t *testing.T) {
	dns := Process{PID: 7, Comm: "dns"}
	at := netip.MustParseAddrPort
	v4 := Packet{Source: at("10.0.0.9:4000"), Destination: at("10.0.0.1:53"), Device: 3}
	v6 := Packet{Source: at("[fd00::9]:4000"), Destination: at("[fd00::1]:53"), Device: 3}
	wire := arrival{index: 3, isSlave: func(uint32) bool { return false }}
	vrf := arrival{index: 3, vrf: "red", isSlave: func(index uint32) bool { return index == 5 }}
	accepting := vrf
	accepting.outside = true
	for _, test := range []struct {
		socket Listener
		packet Packet
		on     arrival
		want   string
	}{
		{Listener{Local: at("127.0.0.1:53")}, v4, wire, "dns[7] is bound to 127.0.0.1:53 only"},
		{Listener{Local: at("127.0.0.1:53")}, v6, wire, "dns[7] is bound to 127.0.0.1:53 only"},
		{Listener{Local: at("0.0.0.0:53")}, v6, wire, "dns[7] is bound to *:53, IPv4 only"},
		{Listener{Local: at("[::]:53"), Only6: true}, v4, wire, "dns[7] is bound to [::]:53, IPv6 only"},
		{Listener{Local: at("[fd00::2]:53")}, v6, wire, "dns[7] is bound to [fd00::2]:53 only"},
		{Listener{Local: at("10.0.0.1:53"), Remote: at("10.0.0.8:4000")}, v4, wire, "the connected UDP socket 10.0.0.1:53 of dns[7], to 10.0.0.8:4000, does not match"},
		{Listener{Local: at("10.0.0.1:53"), Remote: at("10.0.0.9:4001")}, v4, wire, "the connected UDP socket 10.0.0.1:53 of dns[7], to 10.0.0.9:4001, does not match"},
		{Listener{Local: at("0.0.0.0:53"), Device: "eth4", Index: 4}, v4, wire, "dns[7] is bound to *:53, device eth4 only"},
		{Listener{Local: at("0.0.0.0:53"), Device: "eth3", Index: 3}, v4, wire, "dns[7] is bound to *:53, device eth3 now"},
		{Listener{Local: at("0.0.0.0:53"), Device: "eth5", Index: 5}, v4, vrf, "dns[7] is bound to *:53, device eth5 now"},
		{Listener{Local: at("0.0.0.0:53"), Device: "eth4", Index: 4}, v4, vrf, "dns[7] is bound to *:53, device eth4 only"},
		{Listener{Local: at("0.0.0.0:53")}, v4, vrf, "dns[7] is bound to *:53, but takes no packets of VRF red (net.ipv4.udp_l3mdev_accept=0)"},
		{Listener{Local: at("0.0.0.0:53")}, v4, accepting, "dns[7] is bound to *:53 now"},
		{Listener{Local: at("[::]:53")}, v4, wire, "dns[7] is bound to [::]:53 now"},
		{Listener{Local: at("[::ffff:10.0.0.1]:53")}, v4, wire, "dns[7] is bound to [::ffff:10.0.0.1]:53 now"},
		{Listener{Local: at("10.0.0.1:53"), Remote: at("[::ffff:10.0.0.9]:4000")}, v4, wire, "dns[7] is bound to 10.0.0.1:53, from [::ffff:10.0.0.9]:4000 now"},
	} {
		test.socket.Owner = dns
		l := Listeners{Protocol: UDP, Port: 53, Sockets: []Listener{test.socket}}
		if got := l.against(test.packet, test.on); got != test.want {
			t.Errorf("%+v\n got %s\nwant %s", test.socket, got, test.want)
		}
	}
}

// TestMissed checks the sockets of a namespace.
func TestMissed(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-missed")
	open(t, n, "tcp4", "127.0.0.1:80", "")
	open(t, n, "udp4", "0.0.0.0:53", "lo")
	open(t, n, "udp6", "[::]:55", "")
	var connected net.Conn
	if err := n.Do(func() (err error) {
		connected, err = (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 54}}).Dial("udp4", "127.0.0.1:9")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	us, h := ourselves(t), newHost(t, "none")
	const other = 77 // no device has this index
	for _, test := range []struct {
		protocol Protocol
		to       string
		want     string
	}{
		{TCP, "10.0.0.1:80", us + " listens on 127.0.0.1:80 only"},
		{TCP, "10.0.0.1:81", "no socket listens on port 81 in this network namespace"},
		{UDP, "10.0.0.1:53", us + " is bound to *:53, device lo only"},
		{UDP, "127.0.0.1:54", "the connected UDP socket 127.0.0.1:54 of " + us + ", to 127.0.0.1:9, does not match"},
		{UDP, "10.0.0.1:55", us + " is bound to [::]:55, IPv6 only"},
		{UDP, "10.0.0.1:56", "no socket has port 56 in this network namespace"},
	} {
		p := Packet{Source: netip.MustParseAddrPort("127.0.0.1:4000"), Destination: netip.MustParseAddrPort(test.to), Device: other}
		if got, ok := h.Missed(n.Inode, test.protocol, p); !ok || got != test.want {
			t.Errorf("%s: %v\n got %s\nwant %s", test.to, ok, got, test.want)
		}
	}
	if _, ok := h.Missed(1, UDP, Packet{}); ok {
		t.Error("an answer for no namespace")
	}
}
