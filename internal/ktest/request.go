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

// request asks a child to do something: dial, listen, accept, send, receive or close.
type request struct {
	Do                              string
	Network, Local, Remote, Payload string
	Socket                          int
}

// response is the result of a request: the socket that was opened, or the error.
type response struct {
	Socket int
	Local  string
	Error  string
}

// handleRequests handles requests one after the other until there are no more.
func handleRequests(requests *json.Decoder, responses *json.Encoder) error {
	var all sockets
	for {
		var req request
		err := requests.Decode(&req)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		resp, err := all.do(req)
		if err != nil {
			resp.Error = err.Error()
		}
		if err := responses.Encode(resp); err != nil {
			return err
		}
	}
}

// sockets are the sockets that the child has opened, including closed ones. A socket's number is its index.
type sockets []io.Closer

func (s *sockets) do(req request) (response, error) {
	switch req.Do {
	case "dial":
		return s.dial(req)
	case "listen":
		return s.listen(req)
	case "accept":
		return s.accept(req)
	case "send":
		return response{}, s.send(req)
	case "receive":
		return response{}, s.receive(req)
	case "close":
		return response{}, (*s)[req.Socket].Close()
	}
	return response{}, fmt.Errorf("unknown request %q", req.Do)
}

func (s *sockets) add(c io.Closer, local net.Addr) response {
	*s = append(*s, c)
	return response{Socket: len(*s) - 1, Local: local.String()}
}

func (s *sockets) dial(req request) (response, error) {
	local, err := localAddr(req.Network, req.Local)
	if err != nil {
		return response{}, err
	}
	d := net.Dialer{LocalAddr: local, Timeout: answerTimeout}
	c, err := d.Dial(req.Network, req.Remote)
	if err != nil {
		return response{}, err
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

func (s *sockets) listen(req request) (response, error) {
	if req.Network == "udp" {
		c, err := net.ListenPacket(req.Network, req.Local)
		if err != nil {
			return response{}, err
		}
		return s.add(c, c.LocalAddr()), nil
	}
	l, err := net.Listen(req.Network, req.Local)
	if err != nil {
		return response{}, err
	}
	return s.add(l, l.Addr()), nil
}

func (s *sockets) accept(req request) (response, error) {
	l := (*s)[req.Socket].(*net.TCPListener)
	if err := l.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return response{}, err
	}
	c, err := l.Accept()
	if err != nil {
		return response{}, err
	}
	return s.add(c, c.LocalAddr()), nil
}

// withDeadline returns the connection of a request, with a new deadline.
func (s *sockets) withDeadline(req request) (net.Conn, error) {
	c := (*s)[req.Socket].(net.Conn)
	return c, c.SetDeadline(time.Now().Add(answerTimeout))
}

func (s *sockets) send(req request) error {
	c, err := s.withDeadline(req)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte(req.Payload))
	return err
}

func (s *sockets) receive(req request) error {
	c, err := s.withDeadline(req)
	if err != nil {
		return err
	}
	got := make([]byte, len(req.Payload))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != req.Payload {
		return fmt.Errorf("got %q, want %q", got, req.Payload)
	}
	return nil
}
