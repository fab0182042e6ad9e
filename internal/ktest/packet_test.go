// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPacketsArrive checks that the kernel takes the packets of this package: a wrong length or checksum would be
// dropped.
func TestPacketsArrive(t *testing.T) {
	a, b := NewNetns(t, "packets-a"), NewNetns(t, "packets-b")
	NewVeth(t, End{Netns: a, Name: "va"}, End{Netns: b, Name: "vb", Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.7.2/24"), netip.MustParsePrefix("fd97::2/64")}})
	link := Link{Device: "va", To: HardwareAddr(t, b, "vb")}
	for name, ends := range map[string][2]string{"IPv4": {"10.9.7.1", "10.9.7.2"}, "IPv6": {"fd97::1", "fd97::2"}} {
		t.Run(name, func(t *testing.T) {
			u := UDP{From: netip.AddrPortFrom(netip.MustParseAddr(ends[0]), 7101), To: netip.AddrPortFrom(netip.MustParseAddr(ends[1]), 7100), Payload: []byte("odd")}
			var c net.PacketConn
			must(t, b.Do(func() (err error) {
				c, err = ListenUDP(u.To)
				return err
			}))
			defer c.Close()
			must(t, a.Do(func() error { return link.SendPacket(u.Packet().Bytes()) }))
			got := make([]byte, 10)
			must(t, c.SetReadDeadline(time.Now().Add(answerTimeout)))
			n, from, err := c.ReadFrom(got)
			must(t, err)
			if string(got[:n]) != "odd" || from.String() != u.From.String() {
				t.Errorf("got %q from %s", got[:n], from)
			}
		})
	}
}

// TestSegmentChecksum checks that the sum over a correct segment with its pseudo header is zero.
func TestSegmentChecksum(t *testing.T) {
	at := netip.MustParseAddrPort
	for _, s := range []Segment{
		{From: at("10.0.0.1:1"), To: at("10.0.0.2:2"), Flags: 2, Seq: 3, Window: 4, Options: []byte{1, 1, 1, 0}},
		{From: at("[fd00::1]:1"), To: at("[fd00::2]:2"), Flags: 16, Ack: 7, Payload: []byte("abc")},
	} {
		if sum := s.Packet().sum(); sum != 0 {
			t.Errorf("%v: sum %#x", s, sum)
		}
	}
}

// TestICMPChecksum checks the same for ICMP, which has a pseudo header in IPv6 only.
func TestICMPChecksum(t *testing.T) {
	p := ICMP(netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), 8, 0, []byte{0, 1, 0, 2, 3})
	if sum := checksum(padded(p.Payload)); sum != 0 || p.Protocol != unix.IPPROTO_ICMP {
		t.Errorf("%v: sum %#x", p, sum)
	}
	p = ICMP(netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2"), 128, 0, []byte{0, 1, 0, 2})
	if sum := p.sum(); sum != 0 || p.Protocol != unix.IPPROTO_ICMPV6 {
		t.Errorf("%v: sum %#x", p, sum)
	}
}
