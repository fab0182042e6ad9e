// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"net/netip"
	"testing"

	"tracer/internal/ktest"
)

// Addresses of the two ends.
const (
	a4, b4 = "10.9.0.1", "10.9.0.2"
	a6, b6 = "fd09::1", "fd09::2"
)

// world is two hosts with a veth pair between them: namespaces a and b with the devices va and vb.
type world struct {
	t    *testing.T
	a, b *ktest.Netns
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t, ktest.NewNetns(t, "a"), ktest.NewNetns(t, "b")}
	ktest.NewVeth(t,
		ktest.End{Netns: w.a, Name: "va", Addresses: prefixes(a4+"/24", a6+"/64")},
		ktest.End{Netns: w.b, Name: "vb", Addresses: prefixes(b4+"/24", b6+"/64")})
	return w
}

// do calls f inside a namespace.
func do(t *testing.T, n *ktest.Netns, f func() error) {
	t.Helper()
	if err := n.Do(f); err != nil {
		t.Fatal(err)
	}
}

// ping sends two pings, since the first may have to wait for ARP.
func ping(t *testing.T, n *ktest.Netns, addr string, id uint16) {
	t.Helper()
	err := n.DoAs("ping", func() error {
		dest := netip.MustParseAddr(addr)
		return errors.Join(ktest.Ping(dest, id, 1), ktest.Ping(dest, id, 2))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func udp(source, dest string) ktest.UDP {
	return ktest.UDP{From: netip.MustParseAddrPort(source), To: netip.MustParseAddrPort(dest), Size: 20}
}

func tcp(client, server, payload string) ktest.TCP {
	return ktest.TCP{Client: netip.MustParseAddrPort(client), Server: netip.MustParseAddrPort(server), Payload: []byte(payload)}
}

// refused checks that a connection attempt fails, by an error or a timeout.
func refused(t *testing.T, n *ktest.Netns, c ktest.TCP) {
	t.Helper()
	do(t, n, func() error {
		conn, err := c.Connect()
		if err == nil {
			conn.Close()
			return errors.New("the connection was established, want an error")
		}
		return nil
	})
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
