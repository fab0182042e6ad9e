// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestJudge checks that datagrams arrive if they are passed, also by the tail-called program, and that they do
// not if they are dropped or disguised.
func TestJudge(t *testing.T) {
	for name, generic := range map[string]bool{"native": false, "generic": true} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			Judge{Netns: b, Device: "vb", Name: "judge", Tail: NewTail(t, "tail", Pass), Generic: generic}.Attach(t)
			pings(t, a, "10.9.0.2")
			for s, comes := range map[Sentence]bool{Pass: true, GoOn: true, Drop: false, Abort: false, Disguise: false} {
				if got := arrives(t, a, b, JudgePort(s)); got != comes {
					t.Errorf("sentence %d: arrives %v, want %v", s, got, comes)
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
