// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"testing"

	"github.com/jsimonetti/rtnetlink/v2"
)

// NewBridge creates a bridge with these ports, adds its addresses and waits until it is up.
func NewBridge(t testing.TB, e End, ports ...string) {
	t.Helper()
	needsModule(t, e.Netns.Do(func() error { return newLink(e.Name, "bridge", nil) }))
	e.use(t)
	for _, port := range ports {
		must(t, e.Netns.enslave(port, e.Name))
	}
	must(t, e.Netns.awaitUp(e.Name))
}

func (n *Netns) enslave(port, master string) error {
	return n.withDevice(port, func(c *rtnetlink.Conn, index uint32) error {
		device, err := net.InterfaceByName(master)
		if err != nil {
			return fmt.Errorf("device %q: %w", master, err)
		}
		to := uint32(device.Index)
		return c.Link.Set(&rtnetlink.LinkMessage{Index: index, Attributes: &rtnetlink.LinkAttributes{Master: &to}})
	})
}
