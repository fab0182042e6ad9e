// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/input"
)

// idle is how long the files of a namespace stay open after a question. They keep the namespace alive, so a
// container that ends meanwhile keeps its interfaces until then.
const idle = time.Second

// absentPause is the shortest time between two searches for a namespace that was not found.
const absentPause = time.Second

// namespace is a network namespace with the cached answers about it.
type namespace struct {
	inode  uint32
	path   string // at which it was found last
	file   *os.File
	isOurs bool   // the namespace of this process, which need not be entered
	cookie uint64 // identifies the namespace since 5.14; inode numbers are reused
	filter *channel
	absent pace // of the search for its path
	way    way
	timer  *time.Timer

	rules   ruleset
	legacy  map[legacyTableKey]*legacyTable
	sockets map[Protocol]*socketList
	devices map[uint32]device
	sources sourceList
	queues  queueList
}

// enter returns the namespace with this inode number, with its file open.
func (h *Host) enter(inode uint32) (*namespace, error) {
	if h.closed {
		return nil, errors.New("closed")
	}
	n := h.namespaces[inode]
	if n == nil {
		h.forget()
		n = &namespace{inode: inode}
		h.namespaces[inode] = n
	}
	if n.file == nil {
		if err := n.open(); err != nil {
			return nil, err
		}
	}
	n.closeLater(h)
	return n, nil
}

// namespacesMost is the largest number of remembered namespaces, except those in use.
const namespacesMost = 1024

// forget removes the idle namespaces if there are too many.
func (h *Host) forget() {
	if len(h.namespaces) < namespacesMost {
		return
	}
	for inode, n := range h.namespaces {
		if n.file == nil {
			delete(h.namespaces, inode)
		}
	}
}

// closeLater closes the files once the namespace has been idle for h.idle.
func (n *namespace) closeLater(h *Host) {
	if n.timer != nil {
		n.timer.Reset(h.idle)
		return
	}
	n.timer = time.AfterFunc(h.idle, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		n.leave()
	})
}

// leave closes the files.
func (n *namespace) leave() {
	if n.timer != nil {
		n.timer.Stop()
	}
	if n.filter != nil {
		n.filter.close()
		n.filter = nil
	}
	if n.file != nil {
		_ = n.file.Close() // nothing was written
		n.file = nil
	}
	n.devices = nil
}

// open opens the file of the namespace, and drops all cached answers if it is another namespace than last time, or if the
// kernel has no cookies to check that.
func (n *namespace) open() error {
	f, err := n.find()
	if err != nil {
		return err
	}
	n.file, n.isOurs = f, isOurs(f)
	cookie, err := n.readCookie()
	if err != nil {
		n.leave()
		return err
	}
	if cookie == 0 || cookie != n.cookie {
		n.cookie = cookie
		n.rules, n.legacy, n.sockets, n.devices, n.sources, n.queues = ruleset{}, nil, nil, nil, sourceList{}, queueList{}
	}
	return nil
}

// find opens the namespace at its last path, or else searches for it.
func (n *namespace) find() (*os.File, error) {
	if f, err := openNetns(n.path, n.inode); err == nil {
		return f, nil
	}
	start := time.Now()
	if !n.absent.due(start) {
		return nil, fmt.Errorf("network namespace %d was not found", n.inode)
	}
	defer n.absent.took(start, absentPause)
	_, path, err := input.NetnsInode(fmt.Sprint("inode:", n.inode))
	if err != nil {
		return nil, err
	}
	n.path = path
	return openNetns(path, n.inode)
}

// openNetns opens a path, and fails if it is not this namespace.
func openNetns(path string, inode uint32) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var stat unix.Stat_t
	if err = unix.Fstat(int(f.Fd()), &stat); err == nil && uint32(stat.Ino) != inode {
		err = fmt.Errorf("%s is not network namespace %d", path, inode)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// isOurs reports whether a namespace is that of this process. Threads that enter another one end there.
func isOurs(f *os.File) bool {
	ours, err := os.Stat(input.OwnNetns)
	if err != nil {
		return false
	}
	other, err := f.Stat()
	return err == nil && os.SameFile(ours, other)
}

// readCookie returns the namespace's cookie, or 0 before 5.14.
func (n *namespace) readCookie() (cookie uint64, err error) {
	c, err := n.dial(unix.NETLINK_ROUTE)
	if err != nil {
		return 0, err
	}
	defer c.close()
	err = c.control(func(fd uintptr) error {
		cookie, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		if errors.Is(err, unix.ENOPROTOOPT) {
			return nil
		}
		return err
	})
	return cookie, err
}

// dial opens a netlink socket in the namespace.
func (n *namespace) dial(family int) (*channel, error) {
	conn, err := netlink.Dial(family, n.config())
	if err != nil {
		return nil, err
	}
	return newChannel(conn)
}

// config returns the configuration of a socket in the namespace; nil if the namespace need not be entered.
func (n *namespace) config() *netlink.Config {
	if n.isOurs {
		return nil
	}
	return &netlink.Config{NetNS: int(n.file.Fd())}
}
