// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"testing"
	"time"
)

// TestUDPSegmentsAreMerged checks that a UDP GSO packet, which is segmented before the device, is merged again by GRO
// at the receiving device.
func TestUDPSegmentsAreMerged(t *testing.T) {
	a, b := pair(t)
	DisableGSO(t, a, "va")
	NewXDP(t, b, XDP{Device: "vb"})
	SetOffload(t, b, "vb", GRO, true)
	u := UDP{From: at("10.9.0.1", 5001), To: at("10.9.0.2", 7000), Size: 4000, Segment: 1000}
	var server net.PacketConn
	must(t, b.Do(func() (err error) {
		server, err = ListenUDP(u.To)
		return err
	}))
	defer server.Close()
	must(t, EnableUDPGRO(server))
	must(t, a.Do(func() error { return u.Send(1) }))
	must(t, server.SetDeadline(time.Now().Add(answerTimeout)))
	if n, _, err := server.ReadFrom(make([]byte, 1<<16)); err != nil || n != u.Size {
		t.Errorf("got %d bytes, %v, want %d", n, err, u.Size)
	}
}

func TestOffloadsCanBeSwitched(t *testing.T) {
	a, _ := pair(t)
	SetOffload(t, a, "va", TSO, false)
	SetOffload(t, a, "va", Checksum, false)
	SetMTU(t, a, "va", 9000)
	pings(t, a, "10.9.0.2")
}
