// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/printable"
)

// Queue is the state of an NFQUEUE queue.
type Queue struct {
	// Read is set if a program has bound the queue.
	Read bool
	// Reader is the program, if it was found: Reader.PID is 0 otherwise.
	Reader Process
	// Waiting is the number of packets without a verdict of the program.
	Waiting uint64
	// Full is the number of packets that were dropped because the queue was full, Lost the number of those that did not
	// fit into the buffer of the program's socket.
	Full, Lost uint64
}

// String returns text like 1024 packets wait for suricata[812]; dropped so far: 7 by the full queue, 0 by its full socket.
func (q Queue) String() string {
	if !q.Read {
		return "no program reads it"
	}
	reader := "its program"
	if q.Reader.PID != 0 {
		reader = q.Reader.String()
	}
	return fmt.Sprintf("%d packets wait for %s; dropped so far: %d by the full queue, %d by its full socket", q.Waiting, reader, q.Full, q.Lost)
}

// queuePause is the shortest time between two readings of the queues of a namespace.
const queuePause = 100 * time.Millisecond

// queueList are the queues of a namespace, at a time.
type queueList struct {
	pace   pace
	err    error
	queues map[uint16]Queue
	inodes map[uint16]uint64 // of the programs' sockets
}

// Queue returns the current or a recently cached state of a queue, not that at the drop. ok is false if it can't be read.
func (h *Host) Queue(netns uint32, number uint16) (q Queue, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := h.enter(netns)
	if err != nil {
		return q, false
	}
	if start := time.Now(); n.queues.pace.due(start) {
		n.queues.err = n.inside(n.queues.read)
		n.queues.pace.took(start, queuePause)
	}
	q = n.queues.queues[number]
	if inode := n.queues.inodes[number]; inode != 0 {
		q.Reader, _ = h.owner(inode)
	}
	return q, n.queues.err == nil
}

// procNet is the folder with the files of the thread's network namespace.
const procNet = "/proc/thread-self/net/"

// read reads the queues of the thread's namespace.
func (l *queueList) read() error {
	l.queues, l.inodes = map[uint16]Queue{}, map[uint16]uint64{}
	queues, err := os.ReadFile(procNet + "netfilter/nfnetlink_queue")
	if err != nil {
		return err
	}
	sockets, err := os.ReadFile(procNet + "netlink")
	if err != nil {
		return err
	}
	inodes := netlinkInodes(string(sockets))
	for line := range strings.Lines(string(queues)) {
		number, port, q, err := parseQueue(line)
		if err != nil {
			return err
		}
		l.queues[number], l.inodes[number] = q, inodes[port]
	}
	return nil
}

// parseQueue parses a line of nfnetlink_queue: queue number, netlink port of the program's socket, waiting packets, copy
// mode, copy range, packets dropped by the queue, packets lost at the socket, number of the last packet, 1.
func parseQueue(line string) (number uint16, port uint32, q Queue, err error) {
	fields := strings.Fields(line)
	if len(fields) < 7 {
		return 0, 0, q, fmt.Errorf("nfnetlink_queue: line %s has %d columns", printable.Quote(line), len(fields))
	}
	var values [7]uint64
	for i := range values {
		// The port is printed as a signed number.
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, 0, q, fmt.Errorf("nfnetlink_queue: line %s: %w", printable.Quote(line), err)
		}
		values[i] = uint64(n)
	}
	return uint16(values[0]), uint32(values[1]), Queue{Read: true, Waiting: values[2], Full: values[5], Lost: values[6]}, nil
}

// netlinkInodes returns the inode numbers of the sockets of netfilter in /proc/net/netlink, by port. Its columns are
// address, protocol, port, and seven others, the last of which is the inode number.
func netlinkInodes(table string) map[uint32]uint64 {
	inodes := map[uint32]uint64{}
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[1] != strconv.Itoa(unix.NETLINK_NETFILTER) {
			continue
		}
		port, err := strconv.ParseUint(fields[2], 10, 32)
		inode, err2 := strconv.ParseUint(fields[9], 10, 64)
		if err == nil && err2 == nil {
			inodes[uint32(port)] = inode
		}
	}
	return inodes
}
