// SPDX-License-Identifier: Apache-2.0

package column

const (
	protocolICMP  = 1
	protocolTCP   = 6
	protocolICMP6 = 58
)

// protocolNames are the names of IP protocols that the kernel or routers use.
var protocolNames = [256]string{
	0: "hopopt", protocolICMP: "icmp", 2: "igmp", 4: "ipip", protocolTCP: "tcp", 8: "egp", 12: "pup", 17: "udp",
	22: "idp", 29: "tp", 33: "dccp", 41: "ipv6", 43: "ipv6-route", 44: "ipv6-frag", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah", protocolICMP6: "icmp6",
	59: "ipv6-nonxt", 60: "ipv6-opts", 88: "eigrp", 89: "ospf", 92: "mtp", 94: "beetph", 97: "etherip", 98: "encap", 103: "pim", 108: "ipcomp",
	112: "vrrp", 115: "l2tp", 124: "isis", 132: "sctp", 133: "fc", 135: "mh", 136: "udplite", 137: "mpls",
	139: "hip", 140: "shim6", 143: "ethernet", 144: "aggfrag", 255: "raw",
}

func appendProtocol(dst []byte, p uint8) []byte {
	if name := protocolNames[p]; name != "" {
		return append(dst, name...)
	}
	return appendUint(append(dst, "proto-"...), uint64(p))
}
