// SPDX-License-Identifier: Apache-2.0

package column

import (
	"encoding/hex"

	"tracer/internal/event"
)

// accessPointName returns the name of the protocol if both service access points of an LLC header have
// its number; otherwise "". IEEE 802 assigns the numbers.
func accessPointName(s event.SAP) string {
	if !s.Recorded || s.Dest != s.Source {
		return ""
	}
	switch s.Dest {
	case 0x42:
		return "stp"
	case 0xe0:
		return "ipx"
	case 0xf0:
		return "netbios"
	case 0xfe:
		return "osi"
	}
	return ""
}

// appendLLC appends text like `stp`, `snap,lldp`, `snap,oui=0x00000c,protocol=0x2000`, or `llc` for
// a protocol without a name.
func appendLLC(dst []byte, t *event.Tuple) []byte {
	switch name := accessPointName(t.SAP); {
	case t.SNAP.Recorded:
		return appendSNAP(append(dst, "snap,"...), t.SNAP)
	case name != "":
		return append(dst, name...)
	}
	return append(dst, "llc"...)
}

// ethernetOUI is the OUI of SNAP headers whose protocol is an Ethertype (RFC 1042).
const ethernetOUI = 0

func appendSNAP(dst []byte, s event.SNAP) []byte {
	if s.OUI == ethernetOUI {
		return appendEtherType(dst, s.Protocol)
	}
	dst = hex.AppendEncode(append(dst, "oui=0x"...), []byte{byte(s.OUI >> 16), byte(s.OUI >> 8), byte(s.OUI)})
	return appendHex16(append(dst, ",protocol="...), s.Protocol)
}

func snapName(s event.SNAP) string {
	if s.OUI == ethernetOUI {
		return etherTypeName(s.Protocol)
	}
	return ""
}

// appendLLCMembers appends the members `llc` and `snap`; each is absent if the frame does not contain
// that header.
func appendLLCMembers(dst []byte, t *event.Tuple) []byte {
	if !t.SAP.Recorded {
		return dst
	}
	dst = append(appendKey(dst, "llc"), `{"dsap":`...)
	dst = appendUint(dst, uint64(t.SAP.Dest))
	dst = appendMember(dst, "ssap", uint64(t.SAP.Source))
	dst = append(appendStringOrNull(appendKey(dst, "name"), accessPointName(t.SAP)), '}')
	if !t.SNAP.Recorded {
		return dst
	}
	dst = append(appendKey(dst, "snap"), `{"oui":`...)
	dst = appendUint(dst, uint64(t.SNAP.OUI))
	dst = appendMember(dst, "protocol", uint64(t.SNAP.Protocol))
	return append(appendStringOrNull(appendKey(dst, "name"), snapName(t.SNAP)), '}')
}
