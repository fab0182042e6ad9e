// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// answerTimeout is how long an answer may take, also in slow emulated machines.
const answerTimeout = 5 * time.Second

// echo is a kind of ping: the network for package net, and the ICMP types.
type echo struct {
	network        string
	request, reply byte
}

var (
	echo4 = echo{"ip4:icmp", 8, 0}
	echo6 = echo{"ip6:ipv6-icmp", 128, 129}
)

// Ping sends one echo request with 56 bytes of data, like ping(8), from the namespace of the calling thread
// (see [Netns.Do]), and waits for the reply.
func Ping(to netip.Addr, id, seq uint16) error {
	kind := echo4
	if to.Is6() {
		kind = echo6
	}
	c, err := net.DialIP(kind.network, nil, &net.IPAddr{IP: to.AsSlice()})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(message(kind.request, id, seq)); err != nil {
		return err
	}
	if err := awaitReply(c, kind.reply, id, seq); err != nil {
		return fmt.Errorf("ping %s: %w", to, err)
	}
	return nil
}

// message returns an ICMP message. For IPv6 the kernel replaces the checksum.
func message(kind byte, id, seq uint16) []byte {
	m := make([]byte, 8+56)
	m[0] = kind
	binary.BigEndian.PutUint16(m[4:], id)
	binary.BigEndian.PutUint16(m[6:], seq)
	binary.BigEndian.PutUint16(m[2:], checksum(m))
	return m
}

func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum>>16 + sum)
}

// awaitReply skips other messages that a raw socket receives, such as the request itself on the loopback
// device.
func awaitReply(c *net.IPConn, kind byte, id, seq uint16) error {
	b := make([]byte, 1500)
	for {
		n, _, err := c.ReadFrom(b) // Read would include the IPv4 header
		if err != nil {
			return err
		}
		if n >= 8 && b[0] == kind && binary.BigEndian.Uint16(b[4:]) == id && binary.BigEndian.Uint16(b[6:]) == seq {
			return nil
		}
	}
}
