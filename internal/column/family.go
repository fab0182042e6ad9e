// SPDX-License-Identifier: Apache-2.0

package column

// familyNames are the names of Linux's AF_* numbers, which are the same on all architectures.
var familyNames = [...]string{
	1: "unix", 2: "inet", 3: "ax25", 4: "ipx", 5: "appletalk", 6: "netrom", 7: "bridge", 9: "x25", 10: "inet6", 11: "rose",
	15: "key", 16: "netlink", 17: "packet", 18: "ash", 19: "econet", 20: "atm", 21: "rds", 23: "irda", 24: "pppox", 26: "llc",
	27: "infiniband", 28: "mpls", 29: "can", 30: "tipc", 31: "bluetooth", 32: "iucv", 33: "rxrpc", 34: "isdn", 35: "phonet",
	36: "ieee802154", 37: "caif", 38: "alg", 39: "nfc", 40: "vsock", 41: "kcm", 42: "qipcrtr", 43: "smc", 44: "xdp", 45: "mctp",
}

func familyName(family uint16) string {
	if int(family) < len(familyNames) {
		return familyNames[family]
	}
	return ""
}

// appendFamily appends text like `vsock`, or `family=99` for a family without a name.
func appendFamily(dst []byte, family uint16) []byte {
	if name := familyName(family); name != "" {
		return append(dst, name...)
	}
	return appendUint(append(dst, "family="...), uint64(family))
}

func appendFamilyMembers(dst []byte, family uint16) []byte {
	dst = appendMember(dst, "family", uint64(family))
	return appendStringOrNull(appendKey(dst, "family_name"), familyName(family))
}
