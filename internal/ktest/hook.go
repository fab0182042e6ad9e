// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/jsimonetti/rtnetlink/v2/driver"
	"golang.org/x/sys/unix"
)

// AttachLink calls attach, which attaches a BPF program with a link, in a namespace. The link is closed at the end
// of the test.
func AttachLink(t testing.TB, n *Netns, attach func() (link.Link, error)) {
	t.Helper()
	must(t, n.Do(func() error {
		l, err := attach()
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	}))
}

// Ifindex returns the index of a device in the namespace of the calling thread, or -1 if there is none.
func Ifindex(name string) int {
	d, err := net.InterfaceByName(name)
	if err != nil {
		return -1
	}
	return d.Index
}

// NewNetkit connects two namespaces with a pair of netkit devices, which run BPF programs (6.7).
func NewNetkit(t testing.TB, a, b End) {
	t.Helper()
	newNetkit(t, a, b, driver.NetkitPolicyPass)
}

// NewBlackholeNetkit is NewNetkit with a first device that drops what it sends, unless a program decides.
func NewBlackholeNetkit(t testing.TB, a, b End) {
	t.Helper()
	newNetkit(t, a, b, driver.NetkitPolicyDrop)
}

func newNetkit(t testing.TB, a, b End, policy driver.NetkitPolicy) {
	t.Helper()
	must(t, a.Netns.Do(func() error {
		other, err := os.Open(b.Netns.Path)
		if err != nil {
			return err
		}
		defer other.Close()
		mode := driver.NetkitModeL2
		return newLink(a.Name, "netkit", &driver.Netkit{Mode: &mode, Policy: &policy, PeerInfo: &rtnetlink.LinkMessage{
			Attributes: &rtnetlink.LinkAttributes{Name: b.Name, NetNS: rtnetlink.NetNSForFD(uint32(other.Fd()))},
		}})
	}))
	a.use(t)
	b.use(t)
	a.AwaitUp(t)
	b.AwaitUp(t)
}

// SocketVerdict attaches a program of type sk_skb (verdict, 5.13) to a socket by a sockmap, until the test ends.
func SocketVerdict(t testing.TB, p *ebpf.Program, socket *net.TCPConn) error {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.SockMap, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	must(t, err)
	t.Cleanup(func() { m.Close() })
	if err := link.RawAttachProgram(link.RawAttachProgramOptions{Target: m.FD(), Program: p, Attach: ebpf.AttachSkSKBVerdict}); err != nil {
		return err
	}
	raw, err := socket.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = m.Put(uint32(0), uint64(fd)) }))
	return err
}

// IsUnsupported reports whether an error shows that the kernel does not have a feature.
func IsUnsupported(err error) bool {
	return errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)
}

// TCPPair returns the two ends of a TCP connection to the address server in the namespace. They are closed at the
// end of the test.
func TCPPair(t testing.TB, n *Netns, server string) (client, accepted *net.TCPConn) {
	t.Helper()
	must(t, n.Do(func() error {
		l, err := net.Listen("tcp", server)
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := net.Dial("tcp", server)
		if err != nil {
			return err
		}
		a, err := l.Accept()
		if err != nil {
			return errors.Join(err, c.Close())
		}
		client, accepted = c.(*net.TCPConn), a.(*net.TCPConn)
		return nil
	}))
	t.Cleanup(func() { closeBoth(client, accepted) })
	return client, accepted
}

func closeBoth(a, b io.Closer) {
	a.Close()
	b.Close()
}
