// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// natTable is the table for the rules of a namespace.
var natTable = &nftables.Table{Name: "ktest-nat", Family: nftables.TableFamilyIPv4}

// Masquerade masquerades datagrams to a port:
// `udp dport PORT masquerade`.
func Masquerade(t testing.TB, n *Netns, port uint16) {
	t.Helper()
	natRule(t, n, nftables.ChainTypeNAT, nftables.ChainHookPostrouting, port, &expr.Masq{})
}

// SNAT translates the source of sent datagrams to a port:
// `udp dport PORT snat to ADDRESS:PORT`.
func SNAT(t testing.TB, n *Netns, port uint16, to netip.AddrPort) {
	t.Helper()
	const address, number = 1, 2 // registers
	natRule(t, n, nftables.ChainTypeNAT, nftables.ChainHookPostrouting, port,
		&expr.Immediate{Register: address, Data: to.Addr().AsSlice()},
		&expr.Immediate{Register: number, Data: big16(to.Port())},
		&expr.NAT{Type: expr.NATTypeSourceNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: address, RegProtoMin: number, Specified: true})
}

// DNAT translates the destination of received datagrams to a port:
// `udp dport PORT dnat to ADDRESS:PORT`.
func DNAT(t testing.TB, n *Netns, port uint16, to netip.AddrPort) {
	t.Helper()
	const address, number = 1, 2 // registers
	natRule(t, n, nftables.ChainTypeNAT, nftables.ChainHookPrerouting, port,
		&expr.Immediate{Register: address, Data: to.Addr().AsSlice()},
		&expr.Immediate{Register: number, Data: big16(to.Port())},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: address, RegProtoMin: number, Specified: true})
}

// Duplicate sends a copy of each received datagram to a port to a neighbour:
// `udp dport PORT dup to ADDRESS device DEVICE`.
func Duplicate(t testing.TB, n *Netns, port uint16, to netip.Addr, device string) {
	t.Helper()
	const address, index = 1, 2 // registers
	var out uint32
	must(t, n.Do(func() error {
		d, err := net.InterfaceByName(device)
		if err == nil {
			out = uint32(d.Index)
		}
		return err
	}))
	natRule(t, n, nftables.ChainTypeFilter, nftables.ChainHookPrerouting, port,
		&expr.Immediate{Register: address, Data: to.AsSlice()},
		&expr.Immediate{Register: index, Data: binaryutil.NativeEndian.PutUint32(out)},
		&expr.Dup{RegAddr: address, RegDev: index, IsRegDevSet: true})
}

// natRule adds a rule for the datagrams to a port.
func natRule(t testing.TB, n *Netns, kind nftables.ChainType, hook *nftables.ChainHook, port uint16, what ...expr.Any) {
	t.Helper()
	chain := filterChain(string(kind)+"-"+hookName(hook), hook)
	chain.Type = kind
	needsModule(t, n.addRule(natTable, chain, append(toPort(unix.IPPROTO_UDP, port), what...)))
}

func hookName(h *nftables.ChainHook) string {
	if *h == *nftables.ChainHookPrerouting {
		return "in"
	}
	return "out"
}

// TrackConnections enables connection tracking in a namespace, which also reassembles fragments first:
// `ct state invalid accept` for IPv4 and IPv6.
func TrackConnections(t testing.TB, n *Netns) {
	t.Helper()
	const state = 1 // register
	table := &nftables.Table{Name: "ktest-track", Family: nftables.TableFamilyINet}
	needsModule(t, n.addRule(table, filterChain("forward", nftables.ChainHookForward), []expr.Any{
		&expr.Ct{Register: state, Key: expr.CtKeySTATE},
		&expr.Cmp{Op: expr.CmpOpEq, Register: state, Data: binary.NativeEndian.AppendUint32(nil, expr.CtStateBitINVALID)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}))
}
