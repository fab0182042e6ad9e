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

// childEnv is the environment variable that makes a test binary run as a child.
const childEnv = "TRACER_KTEST_CHILD"

// Child is another process, with its own pid and name, that uses the network on request.
type Child struct {
	PID int

	t         testing.TB
	requests  *json.Encoder
	responses *json.Decoder
}

// StartChild starts a process in a namespace, and ends it with the test. comm, of at most 15 bytes, is the
// process name in the kernel. TestMain of the test binary has to call [ChildMain] first.
func StartChild(t testing.TB, n *Netns, comm string) *Child {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	link := filepath.Join(t.TempDir(), comm)
	must(t, os.Symlink(program, link)) // the kernel takes the name from the path
	cmd := exec.Command(link)
	cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"=1"), os.Stderr
	requests, err := cmd.StdinPipe()
	must(t, err)
	responses, err := cmd.StdoutPipe()
	must(t, err)
	must(t, n.Do(cmd.Start))
	t.Cleanup(func() { endChild(t, cmd, requests) })
	return &Child{cmd.Process.Pid, t, json.NewEncoder(requests), json.NewDecoder(responses)}
}

// endChild closes the pipe of the requests, and waits until the child has exited.
func endChild(t testing.TB, cmd *exec.Cmd, requests io.Closer) {
	if err := errors.Join(requests.Close(), cmd.Wait()); err != nil {
		t.Errorf("child %d: %v", cmd.Process.Pid, err)
	}
}

// Join moves the child into a control group.
func (c *Child) Join(g *Cgroup) {
	c.t.Helper()
	must(c.t, g.Add(c.PID))
}

// ask sends a request and waits until it is done.
func (c *Child) ask(req request) response {
	c.t.Helper()
	must(c.t, c.requests.Encode(req))
	var resp response
	must(c.t, c.responses.Decode(&resp))
	if resp.Error != "" {
		c.t.Fatalf("child %d: %s: %s", c.PID, req.Do, resp.Error)
	}
	return resp
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
	return c.opened(request{Do: "dial", Network: network, Local: local, Remote: remote})
}

// Listen opens a socket that waits for connections or datagrams.
func (c *Child) Listen(network, local string) *Socket {
	c.t.Helper()
	return c.opened(request{Do: "listen", Network: network, Local: local})
}

// Accept accepts a connection of a listening TCP socket.
func (s *Socket) Accept() *Socket {
	s.child.t.Helper()
	return s.child.opened(request{Do: "accept", Socket: s.id})
}

func (c *Child) opened(req request) *Socket {
	c.t.Helper()
	resp := c.ask(req)
	return &Socket{resp.Local, c, resp.Socket}
}

// Send sends the payload, in one datagram if the socket is UDP.
func (s *Socket) Send(payload string) {
	s.child.t.Helper()
	s.child.ask(request{Do: "send", Socket: s.id, Payload: payload})
}

// TrySend is Send for a payload that the kernel may refuse to send.
func (s *Socket) TrySend(payload string) {
	s.child.t.Helper()
	must(s.child.t, s.child.requests.Encode(request{Do: "send", Socket: s.id, Payload: payload}))
	var resp response
	must(s.child.t, s.child.responses.Decode(&resp))
}

// Receive waits for as many bytes as the payload has, and fails the test if they differ.
func (s *Socket) Receive(payload string) {
	s.child.t.Helper()
	s.child.ask(request{Do: "receive", Socket: s.id, Payload: payload})
}

// Close closes the socket before the child ends.
func (s *Socket) Close() {
	s.child.t.Helper()
	s.child.ask(request{Do: "close", Socket: s.id})
}

// ChildMain is the main function of the processes that [StartChild] starts. TestMain must call it first. In such a
// process it handles requests and exits, otherwise it returns at once.
func ChildMain() {
	if os.Getenv(childEnv) == "" {
		return
	}
	if err := handleRequests(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
