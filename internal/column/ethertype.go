// SPDX-License-Identifier: Apache-2.0

package column

// etherTypeName returns the name of an Ethertype, or "". Numbers below 0x600 are the kernel's own,
// for frames without an Ethertype (ETH_P_802_3 and others).
func etherTypeName(t uint16) string {
	switch t {
	case 0x0800:
		return "ip"
	case 0x0806:
		return "arp"
	case 0x86dd:
		return "ip6"
	case 0x0001:
		return "802.3"
	case 0x0004:
		return "llc"
	case 0x00f6:
		return "802.15.4"
	case 0x000c, 0x000d, 0x000e:
		return "can"
	case 0x8035:
		return "rarp"
	case 0x8100:
		return "802.1q"
	case 0x8137:
		return "ipx"
	case 0x8808:
		return "pause"
	case 0x8809:
		return "slow-protocols"
	case 0x8847, 0x8848:
		return "mpls"
	}
	return providerName(t)
}

// providerName is the second half of etherTypeName: tunnels, link-layer control and storage protocols.
func providerName(t uint16) string {
	switch t {
	case 0x8863:
		return "pppoe-discovery"
	case 0x8864:
		return "pppoe"
	case 0x888e:
		return "eapol"
	case 0x8892:
		return "profinet"
	case 0x88a8:
		return "802.1ad"
	case 0x88be, 0x22eb:
		return "erspan"
	case 0x88cc:
		return "lldp"
	case 0x88e5:
		return "macsec"
	case 0x88f7:
		return "ptp"
	case 0x8902:
		return "cfm"
	case 0x894f:
		return "nsh"
	case 0x9100:
		return "qinq"
	case 0x8906:
		return "fcoe"
	case 0x9000:
		return "loopback"
	}
	return ""
}

// appendEtherType appends text like `lldp`, or `ethertype=0x1234` for an Ethertype without a name.
func appendEtherType(dst []byte, t uint16) []byte {
	if name := etherTypeName(t); name != "" {
		return append(dst, name...)
	}
	return appendHex16(append(dst, "ethertype="...), t)
}

func appendEtherTypeMembers(dst []byte, t uint16) []byte {
	dst = appendMember(dst, "ethertype", uint64(t))
	return appendStringOrNull(appendKey(dst, "ethertype_name"), etherTypeName(t))
}
