// SPDX-License-Identifier: Apache-2.0

package event

// Netfilter is the hook of netfilter at which a function was called.
type Netfilter struct {
	Family Family `cbor:"1,keyasint,omitzero"`
	// Hook is the number of the hook in its family, see HookName.
	Hook uint8 `cbor:"2,keyasint,omitzero"`
	// Priority is the priority of a hook function at its hook.
	HasPriority bool  `cbor:"3,keyasint,omitzero"`
	Priority    int32 `cbor:"4,keyasint,omitzero"`
	// Object is the kind of object that the function evaluates. Table and Chain are its names, truncated to
	// 63 bytes. TableFamily is the family of a table of nftables.
	Object      HookObject `cbor:"5,keyasint,omitzero"`
	Table       [64]byte   `cbor:"6,keyasint,omitzero"`
	Chain       [64]byte   `cbor:"7,keyasint,omitzero"`
	TableFamily Family     `cbor:"8,keyasint,omitzero"`
}

// HookObject is the kind of object that a hook function evaluates.
type HookObject uint8

// By returns the tool that manages such an object for packets of a family; empty for PlainHook.
func (o HookObject) By(f Family) string {
	switch {
	case o == NFTables:
		return "nft"
	case o == Ebtables:
		return "ebtables"
	case o == Xtables && f == IPv6Family:
		return "ip6tables"
	case o == Xtables && f == ARPFamily:
		return "arptables"
	case o == Xtables:
		return "iptables"
	}
	return ""
}

// Family is a family of protocols in netfilter, NFPROTO_*.
type Family uint8

// The families with a name in the output; others are printed as "unknown".
const (
	InetFamily   Family = 1
	IPv4Family   Family = 2
	ARPFamily    Family = 3
	NetdevFamily Family = 5
	BridgeFamily Family = 7
	IPv6Family   Family = 10
)

// String returns the name in NFPROTO_*, without the prefix and in lower case.
func (f Family) String() string {
	switch f {
	case InetFamily:
		return "inet"
	case IPv4Family:
		return "ipv4"
	case ARPFamily:
		return "arp"
	case NetdevFamily:
		return "netdev"
	case BridgeFamily:
		return "bridge"
	case IPv6Family:
		return "ipv6"
	}
	return "unknown"
}

var (
	packetHooks = []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "INGRESS"}
	bridgeHooks = []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "BROUTING"}
	arpHooks    = []string{"INPUT", "OUTPUT", "FORWARD"}
	deviceHooks = []string{"INGRESS", "EGRESS"}
)

// HookName returns the name of the hook in its family.
func (n *Netfilter) HookName() string {
	names := packetHooks
	switch n.Family {
	case BridgeFamily:
		names = bridgeHooks
	case ARPFamily:
		names = arpHooks
	case NetdevFamily:
		names = deviceHooks
	}
	if int(n.Hook) < len(names) {
		return names[n.Hook]
	}
	return "unknown"
}
