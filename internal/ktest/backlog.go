// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// backlogRounds is the number of receive queues that a packet may still go through, one after the other: each
// hop over a veth pair or the loopback device puts it into a CPU's queue again.
const backlogRounds = 8

// maxCPUs is the number of CPUs that fit into a unix.CPUSet.
const maxCPUs = 1024

// FlushBacklogs waits until every CPU has handled the packets that were in its receive queue at the call, and
// those that were queued again while handling them. From each CPU it sends datagrams to itself over the
// loopback device. The queue is first in, first out, so everything before a datagram has been handled when the
// datagram arrives. It does not wait for packets that wait for a timer (delayed ACKs, qdiscs that delay
// packets).
func FlushBacklogs() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread, which is bound to a CPU, ends with the goroutine
		done <- flushBacklogs()
	}()
	return <-done
}

func flushBacklogs() error {
	var usable unix.CPUSet
	if err := unix.SchedGetaffinity(0, &usable); err != nil {
		return fmt.Errorf("get CPU affinity: %w", err)
	}
	conn, err := dialItself()
	if err != nil {
		return err
	}
	defer conn.Close()
	for cpu := range maxCPUs {
		if !usable.IsSet(cpu) {
			continue
		}
		if err := flushBacklog(conn, cpu); err != nil {
			return fmt.Errorf("receive queue of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// dialItself opens a UDP socket that receives what it sends.
func dialItself() (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(time.Minute))
}

func flushBacklog(conn *net.UDPConn, cpu int) error {
	var only unix.CPUSet
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("set CPU affinity: %w", err)
	}
	itself, buffer := conn.LocalAddr(), make([]byte, 1)
	for range backlogRounds {
		_, sendErr := conn.WriteTo(buffer, itself)
		_, _, receiveErr := conn.ReadFrom(buffer)
		if err := errors.Join(sendErr, receiveErr); err != nil {
			return err
		}
	}
	return nil
}
