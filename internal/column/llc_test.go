// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func llc(dest, source uint8) event.Tuple {
	return event.Tuple{Network: event.LLC, EtherType: 1, SAP: event.SAP{Recorded: true, Dest: dest, Source: source}}
}

func snap(oui uint32, protocol uint16) event.Tuple {
	t := llc(0xaa, 0xaa)
	t.SNAP = event.SNAP{Recorded: true, OUI: oui, Protocol: protocol}
	return t
}

func TestLLC(t *testing.T) {
	const snapHead = `{"network":"llc","llc":{"dsap":170,"ssap":170,"name":null},"snap":`
	checkTuple(t, llc(0x42, 0x42), "(stp)", `{"network":"llc","llc":{"dsap":66,"ssap":66,"name":"stp"}}`)
	checkTuple(t, llc(0xfe, 0xfe), "(osi)", `{"network":"llc","llc":{"dsap":254,"ssap":254,"name":"osi"}}`)
	checkTuple(t, llc(0x42, 0xfe), "(llc)", `{"network":"llc","llc":{"dsap":66,"ssap":254,"name":null}}`)
	checkTuple(t, event.Tuple{Network: event.LLC}, "(llc)", `{"network":"llc"}`)
	checkTuple(t, snap(0, 0x88cc), "(snap,lldp)", snapHead+`{"oui":0,"protocol":35020,"name":"lldp"}}`)
	checkTuple(t, snap(0, 0x1234), "(snap,ethertype=0x1234)", snapHead+`{"oui":0,"protocol":4660,"name":null}}`)
	checkTuple(t, snap(0x00000c, 0x2000), "(snap,oui=0x00000c,protocol=0x2000)", snapHead+`{"oui":12,"protocol":8192,"name":null}}`)
	checkTuple(t, snap(0x123456, 0x0800), "(snap,oui=0x123456,protocol=0x0800)", snapHead+`{"oui":1193046,"protocol":2048,"name":null}}`)
}

func TestLLCInAVLAN(t *testing.T) {
	tuple := llc(0x42, 0x42)
	tuple.HasVLAN, tuple.VLAN = true, 5
	checkTuple(t, tuple, "(stp,vlan=5)", `{"network":"llc","llc":{"dsap":66,"ssap":66,"name":"stp"},"vlan":5}`)
}
