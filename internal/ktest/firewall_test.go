// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"testing"
)

func TestDropTCP(t *testing.T) {
	n := NewNetns(t, "ktest")
	DropTCP(t, n, 8081)
	for _, host := range []string{"127.0.0.1", "::1"} {
		open := TCP{Client: at(host, 40080), Server: at(host, 8080), Payload: []byte("GET / HTTP/1.1\r\n\r\n")}
		if err := open.Exchange(n, n); err != nil {
			t.Errorf("%s: open port: %v", host, err)
		}
		closed := TCP{Client: at(host, 40081), Server: at(host, 8081)}
		if err := closed.Exchange(n, n); err == nil {
			t.Errorf("%s: a connection to the dropped port", host)
		}
	}
}

func at(host string, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(host), port)
}
