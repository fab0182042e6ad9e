// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// bindQueue makes this process the reader of a queue, as libnetfilter_queue does.
func bindQueue(t *testing.T, n *ktest.Netns, number uint16) {
	t.Helper()
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: netnsFile(t, n)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	const configure, command, bind = 2, 1, 1 // NFQNL_MSG_CONFIG, NFQA_CFG_CMD, NFQNL_CFG_CMD_BIND
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: command, Data: []byte{bind, 0, 0, unix.AF_INET}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_QUEUE<<8 | configure, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append([]byte{0, 0, byte(number >> 8), byte(number)}, attributes...),
	})
	if err != nil {
		t.Fatalf("bind queue %d: %v", number, err)
	}
}

// netnsFile opens a namespace until the end of the test.
func netnsFile(t *testing.T, n *ktest.Netns) int {
	t.Helper()
	fd, err := unix.Open(n.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func TestQueue(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-queue")
	bindQueue(t, n, 777)
	h := newHost(t, "none")
	q, ok := h.Queue(n.Inode, 777)
	if want := "0 packets wait for " + ourselves(t) + "; dropped so far: 0 by the full queue, 0 by its full socket"; !ok || q.String() != want {
		t.Errorf("%v, %s, want %s", ok, q, want)
	}
	if q, ok := h.Queue(n.Inode, 778); !ok || q.String() != "no program reads it" {
		t.Errorf("another queue: %v, %s", ok, q)
	}
	bindQueue(t, n, 779)
	h.namespaces[n.Inode].queues.pace.next = time.Now().Add(time.Hour)
	if q, _ := h.Queue(n.Inode, 779); q.Read {
		t.Errorf("read again at once: %+v", q)
	}
	h.namespaces[n.Inode].queues.pace.next = time.Now()
	if q, _ := h.Queue(n.Inode, 779); !q.Read {
		t.Errorf("not read again: %+v", q)
	}
	if q, ok := h.Queue(1, 777); ok {
		t.Errorf("no namespace: %+v", q)
	}
}

func TestParseQueue(t *testing.T) {
	number, port, q, err := parseQueue("    3  -4096  1024 2 65531     7     5     9000  1\n")
	if want := (Queue{Read: true, Waiting: 1024, Full: 7, Lost: 5}); err != nil || number != 3 || port != 0xfffff000 || q != want {
		t.Errorf("queue %d, port %#x, %+v, error %v", number, port, q, err)
	}
	for _, line := range []string{"", "1 2 3", "1 2 x 4 5 6 7"} {
		if _, _, _, err := parseQueue(line); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
}
