// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
)

// ifname returns the name of an interface, or "". Names are cached as long as the namespace is open.
func (n *namespace) ifname(index uint32) string {
	if name, ok := n.devices[index]; ok {
		return name
	}
	conn, err := rtnetlink.Dial(n.config())
	if err != nil {
		return ""
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(deviceTimeout)); err != nil {
		return ""
	}
	link, err := conn.Link.Get(index)
	name := ""
	if err == nil && link.Attributes != nil {
		name = link.Attributes.Name
	}
	if n.devices == nil {
		n.devices = map[uint32]string{}
	}
	n.devices[index] = name
	return name
}

// deviceTimeout limits the request for a name.
const deviceTimeout = 200 * time.Millisecond
