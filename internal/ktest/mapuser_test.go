// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"bytes"
	"net"
	"testing"
	"time"
)

func TestMapUserStoresIntoThePacket(t *testing.T) {
	a, b := NewNetns(t, "a"), NewNetns(t, "b")
	NewVeth(t, End{a, "va", subnets("10.9.0.1")}, End{b, "vb", subnets("10.9.0.2")})
	NewMapUser(t, b, "vb")
	var server net.PacketConn
	must(t, b.Do(func() (err error) {
		server, err = ListenUDP(at("10.9.0.2", 7777))
		return err
	}))
	defer server.Close()
	must(t, a.Do(func() error { return UDP{From: at("10.9.0.1", 7001), To: at("10.9.0.2", 7777), Size: 8}.Send(1) }))
	must(t, server.SetDeadline(time.Now().Add(answerTimeout)))
	payload := make([]byte, 100)
	n, _, err := server.ReadFrom(payload)
	must(t, err)
	if want := []byte("XXXX\x00\x00\x00\x00"); !bytes.Equal(payload[:n], want) {
		t.Errorf("payload %q, want %q", payload[:n], want)
	}
}
