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

// backlogRounds is how many queues a packet of the tests may still pass, one after the
// other: each hop over a veth pair or the loopback device puts it into a CPU's queue again.
const backlogRounds = 8

// mostCPUs is how many CPUs a unix.CPUSet has room for.
const mostCPUs = 1024

// FlushBacklogs waits until every CPU has handled the packets that were in its receive queue
// when it was called, with those that the handling put there again. It sends datagrams to
// itself over the loopback device from each CPU: the queue is first in, first out, so that
// what lay before a datagram has been handled when the datagram arrives. Packets that wait
// for a timer (delayed ACKs, qdiscs that hold back) are not waited for.
func FlushBacklogs() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread, which is bound to a CPU, ends with the goroutine
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
	for cpu := range mostCPUs {
		if !usable.IsSet(cpu) {
			continue
		}
		if err := flushBacklog(conn, cpu); err != nil {
			return fmt.Errorf("receive queue of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// dialItself is a UDP socket that receives what it sends.
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
