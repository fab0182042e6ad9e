// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"testing"
	"time"
)

func TestUDPSend(t *testing.T) {
	n := NewNetns(t, "ktest")
	for _, u := range []UDP{
		{From: at("127.0.0.1", 5001), To: at("127.0.0.1", 5002), Size: 4000, Mark: 7},
		{From: at("::1", 5001), To: at("::1", 5002), Size: 5, Options: true},
	} {
		var server net.PacketConn
		err := n.Do(func() (err error) {
			if server, err = ListenUDP(u.To); err != nil {
				return err
			}
			return u.Send(2)
		})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, server, u)
	}
}

// expect checks that the server receives two datagrams.
func expect(t *testing.T, server net.PacketConn, u UDP) {
	t.Helper()
	defer server.Close()
	if err := server.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		n, from, err := server.ReadFrom(make([]byte, 9000))
		if err != nil || n != u.Size || from.String() != u.From.String() {
			t.Errorf("got %d bytes from %v, %v, want %d from %v", n, from, err, u.Size, u.From)
		}
	}
}
