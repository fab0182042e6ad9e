// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"testing"

	"github.com/vishvananda/netlink"
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
