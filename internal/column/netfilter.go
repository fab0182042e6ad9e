// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strconv"

	"tracer/internal/event"
)

func netfilterColumns() []Column {
	return []Column{{
		Name: "netfilter", Header: "NETFILTER", Key: "netfilter", Type: Object, Width: 44, Screen: asked(20, 44),
		Help:  "netfilter hook, table and chain of the call (--output-netfilter)",
		Group: Netfilter, Text: netfilterText, JSON: netfilterJSON,
	}}
}

// netfilterText appends text like ipv4/INPUT,prio=0,nft:inet/filter/input or
// ipv4/FORWARD,prio=-150,iptables:mangle/FORWARD.
func netfilterText(dst []byte, e *event.Event) []byte {
	n := e.Netfilter
	if n == nil {
		return append(dst, '-')
	}
	dst = append(append(append(dst, n.Family.String()...), '/'), n.HookName()...)
	if n.HasPriority {
		dst = strconv.AppendInt(append(dst, ",prio="...), int64(n.Priority), 10)
	}
	if n.Object == event.PlainHook {
		return dst
	}
	dst = append(append(append(dst, ','), n.Object.By(n.Family)...), ':')
	if n.Object == event.NFTables {
		dst = append(append(dst, n.TableFamily.String()...), '/')
	}
	dst = append(appendEscaped(dst, string(event.CString(n.Table[:]))), '/')
	return appendEscaped(dst, chainOf(n))
}

// chainOf returns the name of the base chain. In xtables it is the name of the hook.
func chainOf(n *event.Netfilter) string {
	if n.Object == event.NFTables {
		return string(event.CString(n.Chain[:]))
	}
	return n.HookName()
}

func netfilterJSON(dst []byte, e *event.Event) []byte {
	n := e.Netfilter
	if n == nil {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"family":`...), n.Family.String())
	dst = appendJSONString(appendKey(dst, "hook"), n.HookName())
	dst = appendPriority(appendKey(dst, "priority"), n)
	if n.Object == event.PlainHook {
		return append(dst, `,"by":null,"table_family":null,"table":null,"chain":null}`...)
	}
	dst = appendJSONString(appendKey(dst, "by"), n.Object.By(n.Family))
	dst = appendJSONString(appendKey(dst, "table_family"), tableFamily(n).String())
	dst = appendJSONString(appendKey(dst, "table"), string(event.CString(n.Table[:])))
	return append(appendJSONString(appendKey(dst, "chain"), chainOf(n)), '}')
}

// tableFamily returns the family of the table. Outside of nftables it is always that of the packet.
func tableFamily(n *event.Netfilter) event.Family {
	if n.Object == event.NFTables {
		return n.TableFamily
	}
	return n.Family
}

func appendPriority(dst []byte, n *event.Netfilter) []byte {
	if !n.HasPriority {
		return appendNull(dst)
	}
	return strconv.AppendInt(dst, int64(n.Priority), 10)
}
