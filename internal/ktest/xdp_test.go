// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"testing"
	"time"
)

func counted(t *testing.T, c *XDPCount, want uint64) {
	t.Helper()
	if got := c.Read(t); got != want {
		t.Errorf("program acted on %d packets, want %d", got, want)
	}
}

func TestXDPPass(t *testing.T) {
	for name, generic := range map[string]bool{"native": false, "generic": true} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			c := NewXDP(t, b, XDP{Device: "vb", Generic: generic})
			pings(t, a, "10.9.0.2")
			receives(t, a, b, UDP{From: at("10.9.0.1", 5001), To: at("10.9.0.2", 7000), Size: 9}, at("10.9.0.2", 7000), 1)
			counted(t, c, 1)
		})
	}
}

func TestXDPTx(t *testing.T) {
	for name, generic := range map[string]bool{"native": false, "generic": true} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			c := NewXDP(t, b, XDP{Device: "vb", Action: XDPTx, Generic: generic})
			NewXDP(t, a, XDP{Device: "va"}) // a veth device receives XDP frames only with NAPI, which a program enables
			SetOffload(t, a, "va", Checksum, false)
			comesBack(t, a)
			counted(t, c, 1)
		})
	}
}

// comesBack checks that a datagram to the other host is sent back.
func comesBack(t *testing.T, a *Netns) {
	t.Helper()
	there := net.UDPAddrFromAddrPort(at("10.9.0.2", 7000))
	must(t, a.Do(func() error {
		c, err := ListenUDP(at("10.9.0.1", 5001))
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.WriteTo([]byte("hello"), there); err != nil {
			return err
		}
		if err := c.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
			return err
		}
		_, from, err := c.ReadFrom(make([]byte, 99))
		if err == nil && from.String() != there.String() {
			t.Errorf("it comes from %s, want %s", from, there)
		}
		return err
	}))
}

func TestXDPRedirectCarriesPings(t *testing.T) {
	for name, generic := range map[string]bool{"native": false, "generic": true} {
		t.Run(name, func(t *testing.T) {
			a, b, hub := wired(t)
			NewXDP(t, hub, XDP{Device: "pa", Action: XDPRedirect, To: "pb", Generic: generic})
			NewXDP(t, hub, XDP{Device: "pb", Action: XDPRedirect, To: "pa", Generic: generic})
			NewXDP(t, a, XDP{Device: "va"}) // see TestXDPTx
			NewXDP(t, b, XDP{Device: "vb"})
			pings(t, a, "10.9.0.2")
		})
	}
}
