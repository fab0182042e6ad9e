// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"testing"
	"time"
)

func TestSendFrame(t *testing.T) {
	a, b := pair(t)
	u := UDP{From: at("10.9.0.1", 5001), To: at("10.9.0.2", 5002)}
	var server net.PacketConn
	var right net.HardwareAddr
	err := b.Do(func() (err error) {
		device, err := net.InterfaceByName("vb")
		if err != nil {
			return err
		}
		right = device.HardwareAddr
		server, err = ListenUDP(u.To)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	wrong := net.HardwareAddr{2, 0, 0, 0, 0, 99}
	for _, to := range []net.HardwareAddr{wrong, right} {
		if err := a.Do(func() error { return SendFrame("va", to, Datagram(u)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := server.ReadFrom(make([]byte, 10)); err != nil || n != 0 || from.String() != u.From.String() {
		t.Errorf("got %d bytes from %v, %v", n, from, err)
	}
}
