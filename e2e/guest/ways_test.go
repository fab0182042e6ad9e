// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"net/netip"
	"os"
	"sync"

	"tracer/internal/ktest"
)

// ways are all tested ways through the kernel. A packet must keep its number on each of them.
var ways = []way{
	{name: "clone for a packet socket", setUp: tapped, proofs: []string{"skb_clone"}, origins: []string{"clone"}},
	{name: "copy by the firewall", setUp: duplicated, proofs: []string{"__pskb_copy_fclone"}, origins: []string{"copy"}},
	{name: "new head", setUp: tappedRouter, proofs: []string{"pskb_expand_head", "ip_forward"}, origins: []string{"clone"}},
	{
		name: "segments of UDP, merged by a polling device", setUp: segmented,
		proofs: []string{"skb_segment", "skb_gro_receive"}, origins: []string{"segment"},
	},
	{
		name: "segments of UDP, merged without XDP", setUp: segmentedWithoutXDP, isSupported: pollsWithoutXDP,
		proofs: []string{"skb_segment", "skb_gro_receive"}, origins: []string{"segment"},
	},
	{
		name: "segments of TCP", setUp: segmentedTCP,
		proofs: []string{"skb_segment", "skb_gro_receive"}, origins: []string{"segment"},
	},
	{name: "fragments", setUp: fragmented, proofs: []string{"ip_do_fragment", "ip_defrag"}, origins: []string{"fragment", "merge|clone"}},
	{
		name: "fragments of IPv6", setUp: fragmented6,
		proofs: []string{"ip6_fragment", "ipv6_frag_rcv|inet_frag_queue_insert"}, origins: []string{"fragment", "merge|clone"},
	},
	{
		name: "fragments made by a router", setUp: fragmentedByRouter,
		proofs: []string{"ip_forward", "ip_do_fragment", "ip_defrag"}, origins: []string{"fragment", "merge|clone"},
	},
	{
		name: "fragments reassembled for conntrack", setUp: defragmented,
		proofs: []string{"ip_forward", "ip_do_fragment", "ip_defrag"}, origins: []string{"fragment", "merge|clone"},
	},
	{
		name: "fragments of IPv6 reassembled for conntrack", setUp: defragmented6,
		proofs: []string{"ip6_forward", "ip6_fragment", "nf_ct_frag6_gather|inet_frag_queue_insert"}, origins: []string{"fragment", "merge|clone"},
	},
	{name: "source translated", setUp: masqueraded, proofs: []string{"ip_forward", "nf_nat_manip_pkt|nf_nat_inet_fn|nf_hook_slow"}},
	{name: "destination translated", setUp: translated, proofs: []string{"ip_forward", "nf_nat_manip_pkt|nf_nat_inet_fn|nf_hook_slow"}},
	{name: "VXLAN", setUp: tunnelOf("vxlan"), proofs: []string{"vxlan_xmit|iptunnel_xmit", "vxlan_rcv|__iptunnel_pull_header"}},
	{name: "Geneve", setUp: tunnelOf("geneve"), proofs: []string{"geneve_xmit|iptunnel_xmit", "geneve_udp_encap_recv|__iptunnel_pull_header"}},
	{name: "GRE", setUp: tunnelOf("gre"), proofs: []string{"ipgre_xmit|iptunnel_xmit", "gre_rcv|__iptunnel_pull_header"}},
	{name: "IP in IP", setUp: tunnelOf("ipip"), proofs: []string{"ipip_tunnel_xmit|iptunnel_xmit", "ipip_rcv|tunnel4_rcv|__iptunnel_pull_header"}},
	{name: "ESP between hosts", setUp: encrypted, proofs: []string{"esp_output|xfrm_output", "esp_input|xfrm_input"}},
	{name: "ESP as a tunnel", setUp: encryptedTunnel, proofs: []string{"esp_output|xfrm_output", "esp_input|xfrm_input"}},
	{name: "bridge", setUp: bridged, proofs: []string{"br_forward|__br_forward|is_skb_forwardable"}},
	{name: "flooded by a bridge", setUp: flooded, proofs: []string{"skb_clone"}, origins: []string{"clone"}},
	{name: "XDP: pass", setUp: xdpPass, proofs: []string{"veth_xdp_rcv_skb|napi_gro_receive|gro_receive_skb"}},
	{name: "XDP: back", setUp: xdpBack, proofs: []string{"veth_xmit|dev_hard_start_xmit"}, origins: []string{"xdp|copy"}},
	{name: "XDP: redirect", setUp: xdpRedirect, proofs: []string{"dev_hard_start_xmit"}, origins: []string{"xdp"}},
	{name: "generic XDP: pass", setUp: genericPass, proofs: []string{"do_xdp_generic|bpf_prog_run_generic_xdp|pskb_expand_head"}},
	{name: "generic XDP: back", setUp: genericBack, proofs: []string{"generic_xdp_tx"}},
	{name: "generic XDP: redirect", setUp: genericRedirect, proofs: []string{"xdp_do_generic_redirect|dev_map_generic_redirect"}},
	{name: "redirected by an action", setUp: redirected(false), proofs: []string{"tcf_action_exec|dev_hard_start_xmit"}},
	{name: "redirected by a program", setUp: redirected(true), proofs: []string{"skb_do_redirect"}},
	{name: "mirrored by an action", setUp: mirrored(false), proofs: []string{"skb_clone"}, origins: []string{"clone"}},
	{name: "mirrored by a program", setUp: mirrored(true), proofs: []string{"skb_clone"}, origins: []string{"clone"}},
}

func tapped(p *path) {
	p.wire()
	p.tap(p.a, p.device("va"))
	p.tap(p.b, p.device("vb"))
}

// tap opens a packet socket. It is drained at the end of a walk, so that the events which free the clones are seen.
func (p *path) tap(n *ktest.Netns, device string) {
	p.taps = append(p.taps, ktest.NewTap(p.lasting, n, device))
}

func duplicated(p *path) {
	p.routed(p.tracking)
	ktest.Duplicate(p.t, p.tracking, uint16(followedPort+p.number), p.host(far, 2), p.device("mb"))
}

// tappedRouter has a packet socket at the router. The router must then copy the head of the packet before it modifies
// the packet, since the clone shares the data.
func tappedRouter(p *path) {
	p.routed(p.plain)
	p.tap(p.plain, p.device("ma"))
}

// segmented sends UDP GSO packets that are segmented for the device, and merged again by GRO in the driver of the
// other end, which uses NAPI since it has an XDP program.
func segmented(p *path) {
	segmentedWithoutXDP(p)
	p.program(p.b, ktest.XDP{Device: p.device("vb")})
}

func segmentedWithoutXDP(p *path) {
	p.wire()
	p.extra, p.segment, p.join = 3000, 1000, true
	ktest.SetOffload(p.t, p.a, p.device("va"), ktest.TSO, false)
	ktest.DisableGSO(p.t, p.a, p.device("va"))
	ktest.SetOffload(p.t, p.b, p.device("vb"), ktest.GRO, true)
}

func segmentedTCP(p *path) {
	p.wire()
	p.extra, p.flow = 8000, true
	ktest.SetOffload(p.t, p.a, p.device("va"), ktest.TSO, false)
	ktest.SetOffload(p.t, p.b, p.device("vb"), ktest.GRO, true)
	p.poll(p.b, p.device("vb"))
}

// pollsWithoutXDP reports whether veth supports GRO without an XDP program (5.13), by the function that
// enables it.
var pollsWithoutXDP = sync.OnceValue(func() bool {
	symbols, err := os.ReadFile("/proc/kallsyms")
	return err == nil && (bytes.Contains(symbols, []byte(" veth_set_features\n")) || bytes.Contains(symbols, []byte(" veth_set_features\t")))
})

// long is the extra size of datagrams that need three fragments.
const long = 3000

func fragmented(p *path) {
	p.wire()
	p.extra = long
}

func fragmented6(p *path) {
	fragmented(p)
	p.to = p.host6(near, 2)
}

// fragmentedByRouter makes the router fragment the datagrams: the MTU to the router is large enough for them, and their
// DF bit is not set.
func fragmentedByRouter(p *path) {
	p.routed(p.plain)
	p.extra = long
	ktest.SetMTU(p.t, p.a, p.device("va"), 9000)
	ktest.SetMTU(p.t, p.plain, p.device("ma"), 9000)
	p.a.SetSysctl(p.t, "ipv4/ip_no_pmtu_disc", "1")
}

func defragmented(p *path) {
	p.routed(p.tracking)
	p.extra = long
}

func defragmented6(p *path) {
	defragmented(p)
	p.to = p.host6(far, 2)
}

func masqueraded(p *path) {
	p.routed(p.tracking)
	ktest.Masquerade(p.t, p.tracking, uint16(followedPort+p.number))
}

func translated(p *path) {
	p.routed(p.tracking)
	p.to, p.port = p.host(near, gateway), translatedPort+p.number
	to := netip.AddrPortFrom(p.host(far, 2), uint16(p.port))
	ktest.DNAT(p.t, p.tracking, uint16(followedPort+p.number), to)
}

func tunnelOf(kind string) func(*path) {
	return func(p *path) {
		p.wire()
		a, b := p.host(near, 1), p.host(near, 2)
		tunnel := ktest.Tunnel{Kind: kind}
		if kind == "vxlan" || kind == "geneve" {
			tunnel.ID = uint32(p.number)
		}
		subnet := func(host int) []netip.Prefix { return []netip.Prefix{netip.PrefixFrom(p.host(inner, host), 24)} }
		ktest.NewTunnel(p.t, ktest.End{Netns: p.a, Name: p.device("ta"), Addresses: subnet(1)}, tunnel.Between(a, b))
		ktest.NewTunnel(p.t, ktest.End{Netns: p.b, Name: p.device("tb"), Addresses: subnet(2)}, tunnel.Between(b, a))
		p.to = p.host(inner, 2)
	}
}

func encrypted(p *path) {
	p.wire()
	p.encrypt(ktest.ESP{})
}

// encryptedTunnel has a network behind each host, which are connected only by encrypted packets.
func encryptedTunnel(p *path) {
	p.wire()
	here, there := netip.PrefixFrom(p.host(inner, 1), 32), netip.PrefixFrom(p.host(inner, 2), 32)
	ktest.AddAddress(p.t, p.a, "lo", here)
	ktest.AddAddress(p.t, p.b, "lo", there)
	ktest.NewSourceRoute(p.t, p.a, there, p.host(near, 2), here.Addr())
	ktest.NewSourceRoute(p.t, p.b, here, p.host(near, 1), there.Addr())
	p.encrypt(ktest.ESP{From: here, To: there})
	p.to = there.Addr()
}

func (p *path) encrypt(e ktest.ESP) {
	a, b := p.host(near, 1), p.host(near, 2)
	e = e.Between(a, b)
	ktest.NewESP(p.t, p.a, e)
	ktest.NewESP(p.t, p.b, e.Reverse())
}

func bridged(p *path) {
	p.through(p.plain)
	p.sink()
	ktest.NewBridge(p.t, ktest.End{Netns: p.plain, Name: p.device("br")}, p.device("ma"), p.device("mb"), p.device("mc"))
}

// sink adds a veth pair from the router to a host without addresses.
func (p *path) sink() {
	p.veth(
		ktest.End{Netns: p.plain, Name: p.device("mc")},
		ktest.End{Netns: p.tracking, Name: p.device("sink")})
}

// flooded sends to the broadcast address.
func flooded(p *path) {
	bridged(p)
	p.to = p.host(near, 255)
}

// program attaches an XDP program that the datagrams must reach.
func (p *path) program(n *ktest.Netns, x ktest.XDP) {
	p.programs = append(p.programs, ktest.NewXDP(p.lasting, n, x))
}

// poll attaches an XDP program to a veth device, which enables NAPI: only then the device accepts frames from
// other XDP programs.
func (p *path) poll(n *ktest.Netns, device string) {
	ktest.NewXDP(p.lasting, n, ktest.XDP{Device: device})
}

func xdpPass(p *path) {
	p.wire()
	p.program(p.b, ktest.XDP{Device: p.device("vb")})
}

func genericPass(p *path) {
	p.wire()
	p.program(p.b, ktest.XDP{Device: p.device("vb"), Generic: true})
}

func xdpBack(p *path)     { p.sentBack(false) }
func genericBack(p *path) { p.sentBack(true) }

func (p *path) sentBack(generic bool) {
	p.wire()
	p.back = true
	p.program(p.b, ktest.XDP{Device: p.device("vb"), Action: ktest.XDPTx, Generic: generic})
	if !generic {
		p.poll(p.a, p.device("va"))
	}
	ktest.SetOffload(p.t, p.a, p.device("va"), ktest.Checksum, false)
}

func xdpRedirect(p *path)     { p.redirectedByXDP(false) }
func genericRedirect(p *path) { p.redirectedByXDP(true) }

func (p *path) redirectedByXDP(generic bool) {
	p.through(p.plain)
	p.program(p.plain, ktest.XDP{Device: p.device("ma"), Action: ktest.XDPRedirect, To: p.device("mb"), Generic: generic})
	p.program(p.plain, ktest.XDP{Device: p.device("mb"), Action: ktest.XDPRedirect, To: p.device("ma"), Generic: generic})
	if !generic {
		p.poll(p.a, p.device("va"))
		p.poll(p.b, p.device("vb"))
	}
	ktest.SetOffload(p.t, p.a, p.device("va"), ktest.Checksum, false)
}

// redirected connects the two veth pairs only by tc redirection.
func redirected(program bool) func(*path) {
	return func(p *path) {
		p.through(p.plain)
		p.redirectBoth(ktest.Redirect{Program: program})
	}
}

// mirrored mirrors packets at the router to a device whose peer has no address.
func mirrored(program bool) func(*path) {
	return func(p *path) {
		p.routed(p.plain)
		p.sink()
		ktest.NewRedirect(p.t, p.plain, ktest.Redirect{From: p.device("ma"), To: p.device("mc"), Mirror: true, Program: program})
	}
}

// redirectBoth redirects packets that the middle host receives on one device to the other, in both directions.
func (p *path) redirectBoth(r ktest.Redirect) {
	r.From, r.To = p.device("ma"), p.device("mb")
	ktest.NewRedirect(p.t, p.plain, r)
	r.From, r.To = r.To, r.From
	ktest.NewRedirect(p.t, p.plain, r)
}
