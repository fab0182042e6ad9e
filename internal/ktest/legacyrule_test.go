// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestLegacyRules checks that the rules of a table drop what they say: those of INPUT, those of another chain, and the
// policy.
func TestLegacyRules(t *testing.T) {
	n := NewNetns(t, "legacy")
	for version, host := range map[int]string{4: "127.0.0.1", 6: "::1"} {
		SetLegacyRules(t, n, version,
			LegacyChain{Name: "INPUT", Policy: "DROP", Rules: []LegacyRule{
				{Other: true, Target: "ACCEPT"}, {Port: 1001, Target: "DROP", Comment: "first"}, {Port: 1002, Target: "deep"},
				{Port: 1003, Target: "leave", Goto: true}, {Port: 1004, Target: "deep"}, {Port: 1005, Target: "ACCEPT"},
			}},
			LegacyChain{Name: "deep", Rules: []LegacyRule{{Port: 1002, Target: "DROP"}, {Target: "RETURN"}}},
			LegacyChain{Name: "leave", Rules: []LegacyRule{{Port: 9, Target: "REJECT"}}})
		for port, want := range map[uint16]bool{1001: false, 1002: false, 1003: false, 1004: false, 1005: true, 1006: false} {
			if got := isReceived(t, n, netip.AddrPortFrom(netip.MustParseAddr(host), port)); got != want {
				t.Errorf("version %d, port %d: arrives %v, want %v", version, port, got, want)
			}
		}
	}
}

// isReceived reports whether a datagram to an address of the namespace itself is received.
func isReceived(t *testing.T, n *Netns, to netip.AddrPort) (received bool) {
	t.Helper()
	must(t, n.Do(func() error {
		socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(to))
		if err != nil {
			return err
		}
		defer socket.Close()
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("x")); err != nil {
			return err
		}
		if err := socket.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			return err
		}
		_, err = socket.Read(make([]byte, 1))
		received = err == nil
		return nil
	}))
	return received
}
