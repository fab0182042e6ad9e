// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nlenc"
	"golang.org/x/sys/unix"
)

// channel is a netlink socket. The library's functions return a whole dump at once, which may be hundreds of megabytes
// for connections; channel passes on each message as it arrives.
type channel struct {
	conn   *netlink.Conn
	raw    syscall.RawConn
	buffer []byte
}

// bufferSize is the largest packet that the kernel sends as part of an answer, in bytes.
const bufferSize = 64 << 10

// errEnough ends a dump if the function that takes its messages returns it.
var errEnough = errors.New("enough")

// errInterrupted is the error for an inconsistent dump (NLM_F_DUMP_INTR): its objects changed meanwhile.
var errInterrupted = errors.New("changed during the dump")

func newChannel(conn *netlink.Conn) (*channel, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &channel{conn, raw, make([]byte, bufferSize)}, nil
}

func (c *channel) close() { _ = c.conn.Close() }

// control calls f with the file descriptor of the socket.
func (c *channel) control(f func(fd uintptr) error) error {
	var inner error
	err := c.raw.Control(func(fd uintptr) { inner = f(fd) })
	return errors.Join(err, inner)
}

// ask sends a request and calls take with each message of the answer, whose data are valid until take returns.
// If take ends the dump, the socket can't be used again.
func (c *channel) ask(request netlink.Message, deadline time.Time, take func(kind netlink.HeaderType, data []byte) error) error {
	if err := c.conn.SetDeadline(deadline); err != nil {
		return err
	}
	request.Header.Flags |= netlink.Request
	sent, err := c.conn.Send(request)
	if err != nil {
		return err
	}
	isDump := request.Header.Flags&netlink.Dump == netlink.Dump
	for {
		packet, err := c.receive()
		if err != nil {
			return err
		}
		done, err := split(packet, sent.Header.Sequence, take)
		switch {
		case errors.Is(err, errEnough):
			return nil
		case err != nil || done || !isDump:
			return err
		}
		if !time.Now().Before(deadline) { // reading data that have already arrived does not check the deadline
			return fmt.Errorf("netlink: %w", unix.ETIMEDOUT)
		}
	}
}

// receive returns the next packet.
func (c *channel) receive() (packet []byte, err error) {
	var n int
	waited := c.raw.Read(func(fd uintptr) bool {
		n, _, err = unix.Recvfrom(int(fd), c.buffer, unix.MSG_DONTWAIT)
		return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	if err := errors.Join(waited, err); err != nil {
		return nil, err
	}
	return c.buffer[:n], nil
}

// headerSize is the size of struct nlmsghdr.
const headerSize = unix.NLMSG_HDRLEN

// split calls take with each message of a packet. done is true at the end of a dump and after an acknowledgement.
func split(packet []byte, sequence uint32, take func(netlink.HeaderType, []byte) error) (done bool, err error) {
	for len(packet) >= headerSize {
		length := int(nlenc.Uint32(packet[:4]))
		if length < headerSize || length > len(packet) {
			return true, fmt.Errorf("netlink: message of %d bytes in a packet of %d", length, len(packet))
		}
		message := packet[:length]
		packet = packet[min(align(length), len(packet)):]
		if nlenc.Uint32(message[8:12]) != sequence {
			continue
		}
		if flags := nlenc.Uint16(message[6:8]); flags&unix.NLM_F_DUMP_INTR != 0 {
			return true, errInterrupted
		}
		kind, data := netlink.HeaderType(nlenc.Uint16(message[4:6])), message[headerSize:]
		if kind == netlink.Done || kind == netlink.Error {
			return true, errnoOf(data)
		}
		if err := take(kind, data); err != nil {
			return true, err
		}
	}
	return false, nil
}

// errnoOf returns the error at the end of an answer; 0 is success.
func errnoOf(data []byte) error {
	if len(data) < 4 {
		return nil
	}
	if code := int32(nlenc.Uint32(data[:4])); code < 0 {
		return unix.Errno(-code)
	}
	return nil
}

func align(n int) int { return (n + 3) &^ 3 }
