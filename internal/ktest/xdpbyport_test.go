// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestXDPByPort checks that datagrams arrive if the program or its tail-call target passes them, and do not arrive at
// their port if the program drops them or rewrites the port.
func TestXDPByPort(t *testing.T) {
	for name, generic := range map[string]bool{"native": false, "generic": true} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			XDPByPort{Netns: b, Device: "vb", Name: "by_port", Tail: NewXDPTail(t, "tail", ActionPass), Generic: generic}.Attach(t)
			pings(t, a, "10.9.0.2")
			for action, want := range map[Action]bool{ActionPass: true, ActionTailCall: true, ActionDrop: false, ActionAborted: false, ActionRewrite: false} {
				if got := arrives(t, a, b, ActionPort(action)); got != want {
					t.Errorf("action %d: arrives %v, want %v", action, got, want)
				}
			}
		})
	}
}

// arrives reports whether a datagram to the port arrives.
func arrives(t *testing.T, from, to *Netns, port uint16) bool {
	t.Helper()
	var server net.PacketConn
	must(t, to.Do(func() (err error) {
		server, err = ListenUDP(at("10.9.0.2", port))
		return err
	}))
	defer server.Close()
	must(t, from.Do(UDP{From: at("10.9.0.1", 5001), To: at("10.9.0.2", port), Size: 9}.sendOne))
	must(t, server.SetDeadline(time.Now().Add(answerTimeout/10)))
	_, _, err := server.ReadFrom(make([]byte, 99))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	must(t, err)
	return true
}

func (u UDP) sendOne() error { return u.Send(1) }
