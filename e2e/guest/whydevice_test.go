// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyDevice = []provocation{
	wrongMAC, vlanWithoutDevice, ipv6Disabled, unknownEtherType, deviceDown, vethRingFull, cpuBacklogFull, steeredBacklogFull,
	actionDrops, actionsDrop, queueOfPacketsFull,
}

// wrongMAC sends a frame for another host to a promiscuous device.
func wrongMAC(l *lab) scenario {
	w := l.wire(l.a, l.r)
	ktest.Sniffer{Promiscuous: true}.Open(l.tb, l.r, w.farName)
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause:  "wrong-mac",
		values: map[string]any{"dev": w.farName, "to": hardware.String(), "own": w.toFar.To.String(), "promiscuity": 1},
		rows:   every(within(l.r), toPort(port)), send: l.transmits(l.a, ktest.Link{Device: w.nearName, To: hardware}, u.Packet().Bytes()),
	}
}

// vlanWithoutDevice sends a frame with a tag for which there is no device.
func vlanWithoutDevice(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause: "vlan-without-device", values: map[string]any{"untagged.vlan": 7, "untagged.dev": w.farName},
		needs: needs{probes: true, symbols: []string{"vlan_do_receive"}}, otherwise: []string{"own-mac-otherhost"},
		rows: every(within(l.r), toPort(port)),
		send: func() {
			l.do(l.a, func() error { return w.toFar.Send(unix.ETH_P_8021Q, append([]byte{0, 7, 8, 0}, u.Packet().Bytes()...)) })
		},
	}
}

func ipv6Disabled(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	l.r.SetSysctl(l.tb, "ipv6/conf/"+w.farName+"/disable_ipv6", "1")
	u := ktest.UDP{From: netip.AddrPortFrom(w.near6, port), To: netip.AddrPortFrom(w.far6, port), Size: 20}
	return scenario{
		cause: "ipv6-disabled", values: map[string]any{"dev": w.farName, "disable_ipv6": 1},
		rows: every(within(l.r), toPort(port)), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

func unknownEtherType(l *lab) scenario {
	w := l.wire(l.a, l.r)
	return scenario{
		cause: "unknown-ethertype", values: map[string]any{"dev": w.farName, "protocol": localExperiment}, needs: needs{reason: "UNHANDLED_PROTO"},
		rows: every(on(w.farName), etherType(localExperiment)),
		send: func() { l.do(l.a, func() error { return w.toFar.Send(localExperiment, make([]byte, 50)) }) },
	}
}

// deviceDown redirects packets with tc to a device that is down, which has the queueing discipline noop.
func deviceDown(l *lab) scenario {
	w, port, down := l.wire(l.a, l.r), l.port(), l.unused()
	ktest.NewRedirect(l.tb, l.r, ktest.Redirect{From: w.farName, To: down, Program: true})
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(l.rb.near4, port), Size: 20}
	return scenario{
		cause: "qdisc-inactive", values: map[string]any{"enqueue.to": down}, needs: needs{probes: true, symbols: []string{"noop_enqueue"}},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// vethRing is the number of packets that wait for a veth device with NAPI (VETH_RING_SIZE).
const vethRing = 256

// freedBy matches drops by the function that freed the packet.
func freedBy(functions ...string) func(*record) bool {
	return func(r *record) bool {
		name, _, _ := strings.Cut(r.Location, "+")
		return slices.Contains(functions, name)
	}
}

// vethRingFull sends more segments at once than the ring of the peer holds, which empties it only afterwards.
func vethRingFull(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	ktest.SetOffload(l.tb, l.a, w.nearName, ktest.TSO, false)
	l.attachXDP(w.farName, "why_ring", ktest.Returns(xdpDrop), link.XDPDriverMode)
	const size = 100
	s := ktest.Segment{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Flags: flagACK, Payload: make([]byte, (vethRing+10)*size)}
	return scenario{
		cause: "veth-ring-full", values: map[string]any{"veth_send.dev": w.nearName, "veth_send.size": vethRing, "veth_send.polled": 1},
		needs: needs{probes: true, module: "veth"}, rows: every(on(w.farName), toPort(port), freedBy("veth_xmit", "__dev_kfree_skb_any", "dev_kfree_skb_any_reason")),
		send: func() {
			l.do(l.a, func() error {
				if err := w.toFar.SendGSO(s, size); !errors.Is(err, unix.ENOBUFS) { // the last segment was dropped
					return err
				}
				return nil
			})
		},
	}
}

// cpuBacklogFull floods a frame to four ports of a bridge at once, while the backlog of a CPU may have two packets.
func cpuBacklogFull(l *lab) scenario {
	s, _ := l.flooding("cpu-backlog-full", map[string]any{"qlen": 2, "limit": 1, "rps": 0})
	return s
}

// steeredBacklogFull does the same with RPS, which chooses the first CPU for all copies.
func steeredBacklogFull(l *lab) scenario {
	s, devices := l.flooding("cpu-backlog-full-rps", map[string]any{"steering.cpu": 0, "steering.qlen": 2, "steering.limit": 1})
	s.needs.probes, s.needs.symbols = true, []string{"get_rps_cpu"}
	send := s.send
	s.send = func() {
		for _, name := range devices {
			ktest.SetRPS(l.tb, l.b, name, "1")
		}
		send()
		for _, name := range devices {
			ktest.SetRPS(l.tb, l.b, name, "0")
		}
	}
	return s
}

// flooding returns the scenario, and the devices of b that receive the copies.
func (l *lab) flooding(cause string, values map[string]any) (scenario, []string) {
	l.since("5.18", "reason for a full backlog", "CPU_BACKLOG")
	in, port := l.plan(l.a, l.r), l.port()
	in.far.Addresses = nil
	ports := []string{in.farName}
	var devices []string
	for range 4 {
		out := l.plan(l.b, l.r)
		out.near.Addresses, out.far.Addresses = nil, nil
		l.connect(out)
		ports, devices = append(ports, out.farName), append(devices, out.nearName)
	}
	l.connect(in)
	ktest.NewBridge(l.tb, ktest.End{Netns: l.r, Name: "fl" + in.farName}, ports...)
	u := ktest.UDP{From: netip.AddrPortFrom(in.near4, port), To: netip.AddrPortFrom(in.far4, port), Size: 20}
	send := l.transmits(l.a, ktest.Link{Device: in.nearName, To: hardware}, u.Packet().Bytes())
	return scenario{
		cause: cause, values: values, needs: needs{reason: "CPU_BACKLOG", machine: true},
		rows: every(within(l.b), toPort(port), func(r *record) bool { return r.Reason == "SKB_DROP_REASON_CPU_BACKLOG" }),
		send: func() { l.withMaxBacklog("1", send) },
	}, devices
}

// maxBacklog is the sysctl with the number of packets that the backlog of each CPU takes.
const maxBacklog = "/proc/sys/net/core/netdev_max_backlog"

// withMaxBacklog calls f with another limit, and waits until the CPUs have handled what f sent.
func (l *lab) withMaxBacklog(limit string, f func()) {
	l.t.Helper()
	usual, err := os.ReadFile(maxBacklog)
	if err == nil {
		err = os.WriteFile(maxBacklog, []byte(limit), 0)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	f()
	time.Sleep(200 * time.Millisecond)
	if err := os.WriteFile(maxBacklog, usual, 0); err != nil {
		l.t.Fatal(err)
	}
}

// acts sends a datagram to a device with tc actions.
func (l *lab) acts(cause string, values map[string]any, verdicts ...netlink.TcAct) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	ktest.NewActions(l.tb, l.r, w.farName, verdicts...)
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, reason: "TC_INGRESS", symbols: []string{"tcf_action_exec"}},
		rows: every(within(l.r), toPort(port)), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

func actionDrops(l *lab) scenario {
	return l.acts("tc-action", map[string]any{"action.kind": "gact", "action.count": 1}, netlink.TC_ACT_SHOT)
}

func actionsDrop(l *lab) scenario {
	return l.acts("tc-actions", map[string]any{"action.kind": "gact", "action.count": 2}, netlink.TC_ACT_PIPE, netlink.TC_ACT_SHOT)
}

// queueOfPacketsFull sends more packets than a queue holds, which delays them.
func queueOfPacketsFull(l *lab) scenario {
	if hasSymbol("netem_enqueue") && !hasTypesOf("sch_netem") {
		panic(missing(lacks + "types of modules, which came with 5.11"))
	}
	w, port := l.wire(l.a, l.r), l.port()
	ktest.DelayPackets(l.tb, l.a, w.nearName, 2)
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	send := l.transmits(l.a, w.toFar, u.Packet().Bytes())
	return scenario{
		cause: "qdisc-full", values: map[string]any{"enqueue.kind": "netem", "enqueue.dev": w.nearName, "enqueue.limit": 2, "enqueue.qlen": 2},
		needs: needs{probes: true, module: "sch_netem", symbols: []string{"netem_enqueue"}}, rows: every(within(l.a), on(w.nearName), toPort(port)),
		send: func() {
			for range 5 {
				send()
			}
		},
	}
}
