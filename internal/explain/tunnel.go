// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// behindDevice is the private struct of a net_device (netdev_priv): it follows the net_device, aligned to 32 bytes.
func behindDevice(dev, kind string) string {
	return "((struct " + kind + " *)((u64)" + dev + " + ((sizeof(struct net_device) + 31) & ~31ul)))"
}

// vxlanRemote is the default remote of a VXLAN device. Without one, the kernel sets the family, but not the address. For IPv4
// the bytes of the IPv6 address are zero.
var (
	vxlanRemote  = behindDevice("dev", "vxlan_dev") + "->cfg.remote_ip"
	vxlanRemote6 = vxlanRemote + ".sin6.sin6_addr.in6_u.u6_addr32"
)

// tunnelCache is the cached route of a tunnel on this CPU.
var tunnelCache = "((struct dst_cache_pcpu *)((u64)" + behindDevice("dev", "ip_tunnel") + "->dst_cache.cache + __per_cpu_offset[cpu]))"

var tunnel = family{
	name: "tunnel", title: "Tunnels",
	sites: []Site{
		{Name: "vxlan_rcv", Module: "vxlan", Functions: []string{"vxlan_rcv", "vxlan_set_mac", "vxlan_err_lookup"}, Reasons: []string{"VXLAN_INVALID_HDR", "VXLAN_VNI_NOT_FOUND", "IP_TUNNEL_ECN", "LOCAL_MAC", "MAC_INVALID_SOURCE", "VXLAN_ENTRY_EXISTS", Unspecified}},
		{Name: "vxlan_xmit", Module: "vxlan", Functions: []string{"vxlan_xmit", "vxlan_xmit_one", "vxlan_encap_bypass", "vxlan_xmit_nh", "arp_reduce", "neigh_reduce"}, Reasons: []string{"IP_OUTNOROUTES", "NO_TX_TARGET", "VXLAN_INVALID_HDR", "VXLAN_VNI_NOT_FOUND", "TUNNEL_TXINFO", "LOCAL_MAC", "NOMEM", "DEV_READY", Unspecified}, Reads: reads(device)},
		{Name: "ip_tunnel_xmit", Module: "ip_tunnel", Functions: []string{"ip_tunnel_xmit", "ip_md_tunnel_xmit", "ipgre_xmit", "__gre_xmit", "gre_tap_xmit", "erspan_fb_xmit", "ipip_tunnel_xmit", "erspan_xmit", "sit_tunnel_xmit", "ipip6_tunnel_xmit"}, Reasons: []string{Unspecified}, Reads: reads(device)},
		{Name: "tunnel_rcv", Functions: []string{"ipip_rcv", "mplsip_rcv", "tunnel4_rcv", "tunnel64_rcv", "tunnel6_rcv", "tunnel46_rcv", "gre_rcv", "__gre_rcv"}, Reasons: []string{Unspecified}, Reads: join(ends4, reads(as(lookup.Protocol, "protocol", ip4Header+"->protocol"), num("protocol_number", ip4Header+"->protocol"), num("len", "skb->len"), num("is_v4", ip4Header+"->version == 4")))},
	},
	decisions: []Decision{
		{
			// The flags and the VNI of the VXLAN header, which is behind the UDP header of 8 bytes. Flag 8: the VNI is valid.
			Name: "vxlan_receive", Module: "vxlan", Functions: []string{"vxlan_rcv"}, Skb: "skb", At: AtEntry,
			Reads: reads(
				num("vni", "ntohl(*(u32 *)(skb->head + skb->transport_header + 12)) >> 8"), num("flags", "ntohl(*(u32 *)(skb->head + skb->transport_header + 8)) >> 24"),
				num("port", "sk->__sk_common.skc_num"), where(ip4Header+"->version == 4", as(lookup.IPv4, "src", ip4Header+"->saddr")),
			),
		},
		{
			Name: "vxlan_send", Module: "vxlan", Functions: []string{"vxlan_xmit"}, Skb: "skb", At: AtEntry,
			Reads: reads(
				as(lookup.String, "dev", "dev->name"), num("ifindex", "dev->ifindex"), as(lookup.LinkAddress, "to", "*(struct in6_addr *)(skb->head + skb->mac_header)", "6"),
				num("vni", "ntohl("+behindDevice("dev", "vxlan_dev")+"->cfg.vni)"),
				num("has_default", vxlanRemote+".sin.sin_addr.s_addr != 0 && "+vxlanRemote+".sa.sa_family == 2 || "+vxlanRemote6+"[0] | "+vxlanRemote6+"[1] | "+vxlanRemote6+"[2] | "+vxlanRemote6+"[3]"),
			),
		},
		{
			// With a remote, the route of an earlier packet may be in the cache of the tunnel, and is not looked up again.
			Name: "tunnel_send", Module: "ip_tunnel", Functions: []string{"ip_tunnel_xmit"}, Skb: "skb", At: AtEntry,
			Reads: reads(
				as(lookup.String, "dev", "dev->name"), num("ifindex", "dev->ifindex"), where("tnl_params->daddr", as(lookup.IPv4, "remote", "tnl_params->daddr")),
				num("remote_set", "tnl_params->daddr != 0"), num("has_route", dst+" != 0"), num("cached_loop", "tnl_params->daddr && "+tunnelCache+"->dst && "+tunnelCache+"->dst->dev == dev"),
			),
		},
		{
			Name: "tunnel_route", Functions: []string{"ip_route_output_flow"}, Within: []string{"ip_tunnel_xmit", "vxlan_xmit_one"}, Keep: "(u64)ret >= (u64)-4095 || ret",
			Reads: reads(num("failed", "(u64)ret >= (u64)-4095"), num("netns", "net->ns.inum"), as(lookup.IPv4, "remote", "fl4->daddr"),
				where("(u64)ret < (u64)-4095", as(lookup.String, "out", "((struct dst_entry *)ret)->dev->name")), where("(u64)ret < (u64)-4095", num("out_index", "((struct dst_entry *)ret)->dev->ifindex"))),
		},
	},
	causes: []Cause{
		{ID: "vxlan-vni", Site: "vxlan_rcv", Reasons: []string{"VXLAN_VNI_NOT_FOUND"}, When: "vxlan_receive.flags >> 3 & 1", Text: "no VXLAN device on port {vxlan_receive.port} has VNI {vxlan_receive.vni}[[ (from {vxlan_receive.src})]]", Remedy: "`ip -d link show type vxlan` shows id and dstport", Limits: "Before 6.12, vxlan_rcv has no drop reasons, so its drops cannot be distinguished."},
		{ID: "vxlan-header", Site: "vxlan_rcv", Reasons: []string{"VXLAN_INVALID_HDR"}, Text: "the VXLAN header is not valid[[ (flags {vxlan_receive.flags}, from {vxlan_receive.src})]]", Remedy: "another protocol on the VXLAN port, or an extension (GBP, GPE) that the device does not have"},
		{ID: "vxlan-own-mac", Site: "vxlan_rcv", Reasons: []string{"LOCAL_MAC"}, Text: "the inner source address is that of the VXLAN device itself[[ (VNI {vxlan_receive.vni}, from {vxlan_receive.src})]]", Remedy: "look for a loop or a duplicate MAC address: `bridge fdb show`"},
		{ID: "vxlan-entry", Site: "vxlan_rcv", Reasons: []string{"VXLAN_ENTRY_EXISTS"}, Text: "the inner source address has a forwarding entry for another remote that must not change (static, or with a nexthop)[[ (VNI {vxlan_receive.vni}, from {vxlan_receive.src})]]", Remedy: "`bridge fdb show dev VXLAN`"},
		{ID: "tunnel-ecn", Site: "vxlan_rcv", Reasons: []string{"IP_TUNNEL_ECN"}, Text: "the outer header is marked CE (congestion experienced), but the inner packet does not support ECN", Remedy: "check the ECN settings of the routers of the underlay: the outer header must not be ECN-capable if the inner is not"},
		{ID: "vxlan-no-entry", Site: "vxlan_xmit", Reasons: []string{"NO_TX_TARGET"}, When: "!vxlan_send.has_default && !known(tunnel_route.failed)", Functions: []string{"vxlan_xmit"}, Text: "{vxlan_send.dev} (VNI {vxlan_send.vni}) has no entry for {vxlan_send.to} and no default remote", Remedy: "`bridge fdb append {vxlan_send.to} dev {vxlan_send.dev} dst REMOTE`, if no control plane (Cilium, flannel, EVPN) does so"},
		{ID: "vxlan-no-route", Netns: "tunnel_route.netns", Site: "vxlan_xmit", Reasons: []string{"IP_OUTNOROUTES", Unspecified}, When: "tunnel_route.failed", Text: "no route to the VXLAN remote {tunnel_route.remote}[[ (device {vxlan_send.dev})]]", Remedy: "`ip route get {tunnel_route.remote}`",
			NotOn: []Exception{{Kernels: []string{"5.10"}, Why: "no types of vxlan_xmit_one"}}},
		{ID: "vxlan-loop", Netns: "tunnel_route.netns", Site: "vxlan_xmit", Reasons: []string{"IP_OUTNOROUTES", Unspecified, "TUNNEL_LOOP"}, Functions: []string{"vxlan_xmit_one"}, When: "!tunnel_route.failed && tunnel_route.out_index == vxlan_send.ifindex", Text: "the route to the VXLAN remote {tunnel_route.remote} leads into the tunnel itself", Remedy: "`ip route get {tunnel_route.remote}`; a route for the underlay is missing"},
		{ID: "tunnel-no-metadata", Site: "vxlan_xmit", Reasons: []string{"TUNNEL_TXINFO"}, Text: "{dev} takes only packets with tunnel metadata, and this one has none", Remedy: "the BPF program, the route (encap ip) or the OVS bridge that sends to {dev} must set the tunnel key"},
		{ID: "tunnel-no-route", Netns: "tunnel_route.netns", Site: "ip_tunnel_xmit", When: "tunnel_route.failed", Text: "no route to the tunnel's remote {tunnel_route.remote}[[ (device {tunnel_send.dev})]]", Remedy: "`ip route get {tunnel_route.remote}`",
			NotOn: []Exception{{Kernels: []string{"5.10"}, Why: "no types of ip_tunnel_xmit"}}},
		{ID: "tunnel-no-remote", Site: "ip_tunnel_xmit", When: "!tunnel_send.remote_set && !tunnel_send.has_route && !known(tunnel_route.failed)", Text: "{tunnel_send.dev} has no remote address, and the packet has none (no tunnel metadata, no next hop)", Remedy: "`ip tunnel change {tunnel_send.dev} remote A.B.C.D`"},
		{ID: "tunnel-loop", Netns: "tunnel_route.netns", Site: "ip_tunnel_xmit", When: "!tunnel_route.failed && tunnel_route.out_index == tunnel_send.ifindex", Text: "the route to the remote {tunnel_route.remote} leads into the tunnel {tunnel_send.dev} itself", Remedy: "`ip route get {tunnel_route.remote}`; a route for the underlay is missing"},
		{ID: "tunnel-cached-loop", Site: "ip_tunnel_xmit", When: "tunnel_send.remote_set && tunnel_send.cached_loop && !known(tunnel_route.failed)", Text: "the route to the remote {tunnel_send.remote}, which an earlier packet has looked up, leads into the tunnel {tunnel_send.dev} itself", Remedy: "`ip route get {tunnel_send.remote}`; a route for the underlay is missing"},
		{ID: "gre-unknown", Site: "tunnel_rcv", When: "is_v4 && protocol_number == 47", Text: "no GRE device takes the packet from {src} to {dst}: local, remote or key does not match, or its GRE header is not valid", Remedy: "`ip -d link show type gre` (or gretap, erspan): local, remote and key must match"},
		{ID: "tunnel-unknown", Site: "tunnel_rcv", When: "is_v4 && protocol_number != 47 && len >= 20", Text: "no tunnel device takes a packet of protocol {protocol} from {src} to {dst}", Remedy: "`ip tunnel show`: local and remote must match"},
	},
}
