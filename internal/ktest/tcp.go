// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// TCP is a short connection: the client connects, sends the payload and closes; the server reads it and closes.
type TCP struct {
	Client, Server netip.AddrPort
	Payload        []byte
}

// connectTime is shorter than the time after which a SYN is retransmitted (1 s).
const connectTime = 700 * time.Millisecond

// Exchange makes the connection between two namespaces, which may be the same.
func (c TCP) Exchange(client, server *Netns) error {
	var listener net.Listener
	err := server.Do(func() (err error) {
		listener, err = net.Listen("tcp", c.Server.String())
		return err
	})
	if err != nil {
		return err
	}
	defer listener.Close()
	got := make(chan error, 1)
	go func() { got <- c.serve(listener) }()
	if err := client.Do(c.send); err != nil {
		return err
	}
	return <-got
}

// Connect only tries to connect, from the namespace of the calling thread.
func (c TCP) Connect() (net.Conn, error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(c.Client), Timeout: connectTime}
	return d.Dial("tcp", c.Server.String())
}

func (c TCP) send() error {
	conn, err := c.Connect()
	if err != nil {
		return err
	}
	_, err = conn.Write(c.Payload)
	return errors.Join(err, conn.Close())
}

func (c TCP) serve(l net.Listener) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	if err == nil && len(got) != len(c.Payload) {
		err = fmt.Errorf("server got %d bytes of %d", len(got), len(c.Payload))
	}
	return err
}
