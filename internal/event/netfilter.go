// SPDX-License-Identifier: Apache-2.0

package event

// Netfilter is where in netfilter a function was called.
type Netfilter struct {
	Family Family `cbor:"1,keyasint,omitzero"`
	// Hook is a number that means another thing to each family.
	Hook uint8 `cbor:"2,keyasint,omitzero"`
	// Priority is that of a hook function among those of its hook.
	HasPriority bool  `cbor:"3,keyasint,omitzero"`
	Priority    int32 `cbor:"4,keyasint,omitzero"`
	// Object is what the function works on, Table and Chain name it, as far as it has names,
	// cut to 63 bytes. TableFamily is nftables' own.
	Object      HookObject `cbor:"5,keyasint,omitzero"`
	Table       [64]byte   `cbor:"6,keyasint,omitzero"`
	Chain       [64]byte   `cbor:"7,keyasint,omitzero"`
	TableFamily Family     `cbor:"8,keyasint,omitzero"`
}

// HookObject is what a hook function works on.
type HookObject uint8

// By is the tool that makes such an object for packets of a family, empty for none.
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

// Some of them.
const (
	InetFamily   Family = 1
	IPv4Family   Family = 2
	ARPFamily    Family = 3
	NetdevFamily Family = 5
	BridgeFamily Family = 7
	IPv6Family   Family = 10
)

// String is the name by which nft and others call it.
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

// HookName is the hook's name in its family.
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
