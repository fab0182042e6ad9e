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

// TCP is a short conversation: connect, the client sends the payload and ends, the
// server reads it and ends.
type TCP struct {
	Client, Server netip.AddrPort
	Payload        []byte
}

// connectTime is short so that a SYN that is dropped is rarely sent again (1 s).
const connectTime = 700 * time.Millisecond

// Exchange has the conversation between two namespaces, which may be one.
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

// Connect only tries to connect from where it is called.
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
