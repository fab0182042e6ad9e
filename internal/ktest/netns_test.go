// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
)

func TestNetns(t *testing.T) {
	n := NewNetns(t, "ktest")
	err := n.Do(func() error {
		link, err := os.Readlink("/proc/thread-self/ns/net")
		if want := fmt.Sprintf("net:[%d]", n.Inode); link != want {
			return fmt.Errorf("in %s, want %s: %v", link, want, err)
		}
		all, err := net.Interfaces()
		if err != nil || len(all) == 0 || all[0].Flags&net.FlagUp == 0 {
			return fmt.Errorf("interfaces %v, %v", all, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if link, _ := os.Readlink("/proc/self/ns/net"); link == fmt.Sprintf("net:[%d]", n.Inode) {
		t.Error("this process went into the namespace too")
	}
}

func TestNetnsIsRemoved(t *testing.T) {
	var n *Netns
	t.Run("create", func(t *testing.T) { n = NewNetns(t, "ktest") })
	if n == nil {
		t.Skip("needs root")
	}
	if _, err := os.Stat(n.Path); !os.IsNotExist(err) {
		t.Errorf("%s still exists: %v", n.Path, err)
	}
}

func TestVethCarriesPings(t *testing.T) {
	a, b := NewNetns(t, "a"), NewNetns(t, "b")
	NewVeth(t, End{a, "va", prefixes("10.9.0.1/24", "fd09::1/64")}, End{b, "vb", prefixes("10.9.0.2/24", "fd09::2/64")})
	for _, to := range []string{"10.9.0.2", "fd09::2", "10.9.0.1"} {
		if err := a.DoAs("ping", func() error { return Ping(netip.MustParseAddr(to), 7, 1) }); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := a.Do(func() error { return Ping(netip.MustParseAddr("10.9.0.3"), 7, 1) }); err == nil {
		t.Error("a host that does not exist answered")
	}
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
