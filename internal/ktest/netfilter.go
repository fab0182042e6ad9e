// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"runtime"
	"testing"
	"unsafe"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Chain is a base chain of the table inet ktest.
type Chain struct {
	Name     string
	Hook     *nftables.ChainHook
	Priority int32
}

// AddChains adds base chains that accept everything to a namespace.
func AddChains(t testing.TB, n *Netns, chains ...Chain) {
	t.Helper()
	must(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Name: "ktest", Family: nftables.TableFamilyINet})
		for _, chain := range chains {
			priority := nftables.ChainPriority(chain.Priority)
			c.AddChain(&nftables.Chain{
				Name: chain.Name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: chain.Hook, Priority: &priority,
			})
		}
		return c.Flush()
	}))
}

// MasqueradeAll masquerades everything that a namespace sends over IPv4, in the chain "out" of the table ip nat. It
// needs connection tracking.
func MasqueradeAll(t testing.TB, n *Netns) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Name: "nat", Family: nftables.TableFamilyIPv4})
		chain := c.AddChain(&nftables.Chain{
			Name: "out", Table: table, Type: nftables.ChainTypeNAT,
			Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
		})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Masq{}}})
		return c.Flush()
	}))
}

// NewFlowtable adds an nftables flowtable to a device: an ingress hook with this priority. No rule adds connections
// to the flowtable, so the hook passes all packets on to the stack.
func NewFlowtable(t testing.TB, n *Netns, device string, priority int32) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Name: "ktest", Family: nftables.TableFamilyINet})
		c.AddFlowtable(&nftables.Flowtable{
			Table: table, Name: "fast", Devices: []string{device},
			Hooknum: nftables.FlowtableHookIngress, Priority: nftables.FlowtablePriorityRef(nftables.FlowtablePriority(priority)),
		})
		return c.Flush()
	}))
}

// AddIptables makes the kernel create a table of iptables and the same of ip6tables, without rules and with the
// policy ACCEPT. The kernel creates a table on the first request for it, such as IPT_SO_GET_INFO.
func AddIptables(t testing.TB, n *Netns, table string) {
	t.Helper()
	needsModule(t, n.Do(func() error {
		return errors.Join(
			getTableInfo(unix.AF_INET, unix.IPPROTO_IP, table),
			getTableInfo(unix.AF_INET6, unix.IPPROTO_IPV6, table))
	}))
}

// tableInfo is struct ipt_getinfo, which is the same as struct ip6t_getinfo. The name is the input.
type tableInfo struct {
	name  [32]byte
	hooks uint32
	rest  [12]uint32
}

func getTableInfo(family, level int, table string) error {
	return getTable(family, level, table, &tableInfo{})
}

// getTable fills in the description of a table.
func getTable(family, level int, table string, info *tableInfo) error {
	const getInfo = 64 // IPT_SO_GET_INFO, IP6T_SO_GET_INFO
	socket, err := unix.Socket(family, unix.SOCK_RAW, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	copy(info.name[:], table)
	size := uint32(unsafe.Sizeof(*info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(level), getInfo,
		uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0)
	runtime.KeepAlive(info)
	if errno != 0 {
		return errno
	}
	return nil
}
