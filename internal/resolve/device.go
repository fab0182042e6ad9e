// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
)

// device is a network device.
type device struct {
	name, kind string
	master     uint32 // index; 0 if there is none
}

// ifname returns the name of an interface, or "".
func (n *namespace) ifname(index uint32) string { return n.device(index).name }

// device returns a device, with empty fields if it was not found. Devices are cached as long as the namespace is open.
func (n *namespace) device(index uint32) device {
	if d, ok := n.devices[index]; ok {
		return d
	}
	conn, err := rtnetlink.Dial(n.config())
	if err != nil {
		return device{}
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(deviceTimeout)); err != nil {
		return device{}
	}
	link, err := conn.Link.Get(index)
	var d device
	if err == nil && link.Attributes != nil {
		d.name = link.Attributes.Name
		if link.Attributes.Info != nil {
			d.kind = link.Attributes.Info.Kind
		}
		if link.Attributes.Master != nil {
			d.master = *link.Attributes.Master
		}
	}
	if n.devices == nil {
		n.devices = map[uint32]device{}
	}
	n.devices[index] = d
	return d
}

// deviceTimeout limits the request for a name.
const deviceTimeout = 200 * time.Millisecond
