// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// order is a request to a child: dial, listen, accept, send, receive or close.
type order struct {
	Do                              string
	Network, Local, Remote, Payload string
	Socket                          int
}

// answer is the result of a request: the socket that was opened, or the error.
type answer struct {
	Socket int
	Local  string
	Error  string
}

// obey handles requests one after the other until there are no more.
func obey(orders *json.Decoder, answers *json.Encoder) error {
	var all sockets
	for {
		var o order
		err := orders.Decode(&o)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := all.do(o)
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// sockets are the sockets that the child has opened, including closed ones. A socket's number is its index.
type sockets []io.Closer

func (s *sockets) do(o order) (answer, error) {
	switch o.Do {
	case "dial":
		return s.dial(o)
	case "listen":
		return s.listen(o)
	case "accept":
		return s.accept(o)
	case "send":
		return answer{}, s.send(o)
	case "receive":
		return answer{}, s.receive(o)
	case "close":
		return answer{}, (*s)[o.Socket].Close()
	}
	return answer{}, fmt.Errorf("no order %q", o.Do)
}

func (s *sockets) add(c io.Closer, local net.Addr) answer {
	*s = append(*s, c)
	return answer{Socket: len(*s) - 1, Local: local.String()}
}

func (s *sockets) dial(o order) (answer, error) {
	local, err := localAddr(o.Network, o.Local)
	if err != nil {
		return answer{}, err
	}
	d := net.Dialer{LocalAddr: local, Timeout: patience}
	c, err := d.Dial(o.Network, o.Remote)
	if err != nil {
		return answer{}, err
	}
	return s.add(c, c.LocalAddr()), nil
}

// localAddr returns nil if the kernel is to choose the address.
func localAddr(network, addr string) (net.Addr, error) {
	switch {
	case addr == "":
		return nil, nil
	case network == "udp":
		return net.ResolveUDPAddr(network, addr)
	}
	return net.ResolveTCPAddr(network, addr)
}

func (s *sockets) listen(o order) (answer, error) {
	if o.Network == "udp" {
		c, err := net.ListenPacket(o.Network, o.Local)
		if err != nil {
			return answer{}, err
		}
		return s.add(c, c.LocalAddr()), nil
	}
	l, err := net.Listen(o.Network, o.Local)
	if err != nil {
		return answer{}, err
	}
	return s.add(l, l.Addr()), nil
}

func (s *sockets) accept(o order) (answer, error) {
	l := (*s)[o.Socket].(*net.TCPListener)
	if err := l.SetDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	c, err := l.Accept()
	if err != nil {
		return answer{}, err
	}
	return s.add(c, c.LocalAddr()), nil
}

// patient returns the connection of a request, with a new deadline.
func (s *sockets) patient(o order) (net.Conn, error) {
	c := (*s)[o.Socket].(net.Conn)
	return c, c.SetDeadline(time.Now().Add(patience))
}

func (s *sockets) send(o order) error {
	c, err := s.patient(o)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte(o.Payload))
	return err
}

func (s *sockets) receive(o order) error {
	c, err := s.patient(o)
	if err != nil {
		return err
	}
	got := make([]byte, len(o.Payload))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != o.Payload {
		return fmt.Errorf("got %q, want %q", got, o.Payload)
	}
	return nil
}
