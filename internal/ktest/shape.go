// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// LimitRate limits a device to rate bytes per second, with a tbf qdisc whose queue holds 5000 bytes, until the
// returned function is called.
func LimitRate(t testing.TB, n *Netns, device string, rate uint32) (remove func()) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		queue := &netlink.Tbf{
			QdiscAttrs: netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0x11, 0), Parent: netlink.HANDLE_ROOT},
			Rate:       uint64(rate), Limit: 5000, Buffer: netlink.Xmittime(uint64(rate), 2000),
		}
		remove = func() { must(t, n.Do(func() error { return netlink.QdiscDel(queue) })) }
		if err := netlink.QdiscReplace(queue); err != nil {
			return fmt.Errorf("queueing discipline tbf at %s: %w", device, err)
		}
		return nil
	}))
	return remove
}

// DelayPackets delays the packets of a device by a second, with a queueing discipline netem that holds at most limit packets.
func DelayPackets(t testing.TB, n *Netns, device string, limit uint32) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		attrs := netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0x12, 0), Parent: netlink.HANDLE_ROOT}
		if err := netlink.QdiscReplace(netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{Latency: 1_000_000, Limit: limit})); err != nil {
			return fmt.Errorf("queueing discipline netem at %s: %w", device, err)
		}
		return nil
	}))
}

// NewActions gives what a device receives to tc actions (gact) with these verdicts, one after the other.
func NewActions(t testing.TB, n *Netns, device string, verdicts ...netlink.TcAct) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		if err := replaceClsact(l); err != nil {
			return err
		}
		filter := &netlink.MatchAll{FilterAttrs: netlink.FilterAttrs{
			LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
		}}
		for _, v := range verdicts {
			filter.Actions = append(filter.Actions, &netlink.GenericAction{ActionAttrs: netlink.ActionAttrs{Action: v}})
		}
		return netlink.FilterAdd(filter)
	}))
}
