// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// childMark is the environment variable that makes a test binary run as a child.
const childMark = "TRACER_KTEST_CHILD"

// Child is another process, with its own pid and name, that uses the network on request.
type Child struct {
	PID int

	t       testing.TB
	orders  *json.Encoder
	answers *json.Decoder
}

// StartChild starts a process in a namespace, and ends it with the test. comm, of at most 15 bytes, is the
// process name in the kernel. TestMain of the test binary has to call [BeChild] first.
func StartChild(t testing.TB, n *Netns, comm string) *Child {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	link := filepath.Join(t.TempDir(), comm)
	must(t, os.Symlink(program, link)) // the kernel takes the name from the path
	cmd := exec.Command(link)
	cmd.Env, cmd.Stderr = append(os.Environ(), childMark+"=1"), os.Stderr
	orders, err := cmd.StdinPipe()
	must(t, err)
	answers, err := cmd.StdoutPipe()
	must(t, err)
	must(t, n.Do(cmd.Start))
	t.Cleanup(func() { endChild(t, cmd, orders) })
	return &Child{cmd.Process.Pid, t, json.NewEncoder(orders), json.NewDecoder(answers)}
}

// endChild closes the pipe with the requests, which ends the child.
func endChild(t testing.TB, cmd *exec.Cmd, orders io.Closer) {
	if err := errors.Join(orders.Close(), cmd.Wait()); err != nil {
		t.Errorf("child %d: %v", cmd.Process.Pid, err)
	}
}

// Join moves the child into a control group.
func (c *Child) Join(g *Cgroup) {
	c.t.Helper()
	must(c.t, g.Add(c.PID))
}

// ask sends a request and waits until it is done.
func (c *Child) ask(o order) answer {
	c.t.Helper()
	must(c.t, c.orders.Encode(o))
	var a answer
	must(c.t, c.answers.Decode(&a))
	if a.Error != "" {
		c.t.Fatalf("child %d: %s: %s", c.PID, o.Do, a.Error)
	}
	return a
}

// Socket is an open socket of a child.
type Socket struct {
	// Local is its local address and port.
	Local string

	child *Child
	id    int
}

// Dial connects a socket from a local address, which may be empty, to a remote one. network is tcp or udp, as
// in package net.
func (c *Child) Dial(network, local, remote string) *Socket {
	c.t.Helper()
	return c.opened(order{Do: "dial", Network: network, Local: local, Remote: remote})
}

// Listen opens a socket that waits for connections or datagrams.
func (c *Child) Listen(network, local string) *Socket {
	c.t.Helper()
	return c.opened(order{Do: "listen", Network: network, Local: local})
}

// Accept accepts a connection of a listening TCP socket.
func (s *Socket) Accept() *Socket {
	s.child.t.Helper()
	return s.child.opened(order{Do: "accept", Socket: s.id})
}

func (c *Child) opened(o order) *Socket {
	c.t.Helper()
	a := c.ask(o)
	return &Socket{a.Local, c, a.Socket}
}

// Send sends the payload, in one datagram if the socket is UDP.
func (s *Socket) Send(payload string) {
	s.child.t.Helper()
	s.child.ask(order{Do: "send", Socket: s.id, Payload: payload})
}

// Receive waits for as many bytes as the payload has, and fails the test if they differ.
func (s *Socket) Receive(payload string) {
	s.child.t.Helper()
	s.child.ask(order{Do: "receive", Socket: s.id, Payload: payload})
}

// Close closes the socket before the child ends.
func (s *Socket) Close() {
	s.child.t.Helper()
	s.child.ask(order{Do: "close", Socket: s.id})
}

// BeChild must be called at the start of TestMain. In a process that [StartChild] has started, it handles
// requests and then exits; in others it returns at once.
func BeChild() {
	if os.Getenv(childMark) == "" {
		return
	}
	if err := obey(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
