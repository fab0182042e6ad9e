// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func meta(change func(*event.Meta)) event.Event {
	e := event.Event{Meta: event.Meta{
		Netns: 4026531840, Ifindex: 1, Ifname: [16]byte{'l', 'o'}, Mark: 0xc00, Len: 84, MTU: 65536, Protocol: 0x0800,
	}}
	change(&e.Meta)
	return e
}

func TestMeta(t *testing.T) {
	e := meta(func(*event.Meta) {})
	checkCell(t, "netns", e, "4026531840", "4026531840")
	checkCell(t, "mark", e, "c00", "3072")
	checkCell(t, "proto", e, "0x0800", "2048")
	checkCell(t, "mtu", e, "65536", "65536")
	checkCell(t, "len", e, "84", "84")
}

func TestIface(t *testing.T) {
	e := meta(func(*event.Meta) {})
	checkCell(t, "iface", e, "lo:1", `"lo:1"`)
	checkCell(t, "ifname", e, "", `"lo"`)
	checkCell(t, "ifindex", e, "", "1")
}

func TestIfaceWithoutName(t *testing.T) {
	e := meta(func(m *event.Meta) { m.Ifname = [16]byte{} })
	checkCell(t, "iface", e, "1", `"1"`)
	checkCell(t, "ifname", e, "", "null")
}

func TestIfaceWithoutDevice(t *testing.T) {
	e := meta(func(m *event.Meta) { m.Ifindex = 0 })
	checkCell(t, "iface", e, "0", "null")
	checkCell(t, "ifname", e, "", "null")
	checkCell(t, "ifindex", e, "", "0")
}
