// SPDX-License-Identifier: Apache-2.0

package resolve

import "golang.org/x/sys/unix"

// families has the families of tables (NFPROTO_*) by nft's names.
var families = map[string]uint8{
	"inet": unix.NFPROTO_INET, "ip": unix.NFPROTO_IPV4, "ip6": unix.NFPROTO_IPV6,
	"arp": unix.NFPROTO_ARP, "bridge": unix.NFPROTO_BRIDGE, "netdev": unix.NFPROTO_NETDEV,
}

// FamilyName returns nft's name of a family of tables (NFPROTO_*), or "".
func FamilyName(number uint8) string {
	for name, n := range families {
		if n == number {
			return name
		}
	}
	return ""
}

var (
	inetHooks   = []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}
	arpHooks    = []string{"input", "output"}
	netdevHooks = []string{"ingress", "egress"}
)

// hookName returns nft's name of the hook of a base chain, or "".
func hookName(family uint8, hook uint32) string {
	names := inetHooks
	switch family {
	case unix.NFPROTO_NETDEV:
		names = netdevHooks
	case unix.NFPROTO_ARP:
		names = arpHooks
	}
	if int(hook) < len(names) {
		return names[hook]
	}
	return ""
}
