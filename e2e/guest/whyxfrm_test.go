// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	endian "encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyXfrm = []provocation{
	notEncrypted, policyBlocks, forwardPolicyBlocks, decryptedWithoutPolicy,
	outgoingPolicyBlocks, outgoingWithoutState, waitsForState,
	withoutState, replayed, wrongKey, stateExpired, tooBigForTunnel,
}

// host returns a host of its own and a wire to it. Policies of IPsec change how a namespace handles all packets.
func (l *lab) host() (*ktest.Netns, wire) {
	l.t.Helper()
	n := ktest.NewNetns(l.tb, fmt.Sprintf("why-x%d", l.net()))
	return n, l.wire(l.a, n)
}

// encrypting returns a host that accepts only encrypted packets on its wire.
func (l *lab) encrypting() (*ktest.Netns, wire) {
	l.t.Helper()
	n, w := l.host()
	ktest.NewESP(l.tb, n, ktest.ESP{Local: w.far4, Remote: w.near4})
	return n, w
}

// inPolicy sends a datagram to a socket of the host.
func (l *lab) inPolicy(cause string, n *ktest.Netns, w wire, values map[string]any) scenario {
	port := l.port()
	to := netip.AddrPortFrom(w.far4, port)
	listenAt(l.t, n, to.String())
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: to, Size: 20}
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, symbols: []string{"__xfrm_policy_check"}},
		rows: every(within(n), toPort(port)), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// notEncrypted sends a datagram without the protection that the policy requires.
func notEncrypted(l *lab) scenario {
	n, w := l.encrypting()
	return l.inPolicy("ipsec-unprotected", n, w, map[string]any{"policy_check.moved": "XfrmInTmplMismatch", "policy_check.direction": "in", "policy_check.protected": 0})
}

func policyBlocks(l *lab) scenario {
	n, w := l.host()
	ktest.NewPolicy(l.tb, n, ktest.Blocking(w.near4, w.far4, netlink.XFRM_DIR_IN))
	return l.inPolicy("ipsec-policy-block", n, w, map[string]any{"policy_check.moved": "XfrmInPolBlock", "policy_check.direction": "in", "src": w.near4, "dst": w.far4})
}

// decryptedWithoutPolicy sends a datagram through a tunnel whose end has states, but no policy.
func decryptedWithoutPolicy(l *lab) scenario {
	n := ktest.NewNetns(l.tb, fmt.Sprintf("why-x%d", l.net()))
	sender := ktest.NewNetns(l.tb, fmt.Sprintf("why-x%d", l.net()))
	w := l.wire(sender, n)
	e := ktest.ESP{From: netip.PrefixFrom(w.near4, 32), To: netip.PrefixFrom(w.far4, 32)}.Between(w.near4, w.far4)
	ktest.NewESP(l.tb, sender, e)
	ktest.NewStates(l.tb, n, e.State(), e.Reverse().State())
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	listenAt(l.t, n, u.To.String())
	return scenario{
		cause: "ipsec-no-policy", values: map[string]any{"policy_check.moved": "XfrmInNoPols", "policy_check.direction": "in", "src": w.near4, "dst": w.far4},
		needs: needs{probes: true, symbols: []string{"__xfrm_policy_check"}}, rows: every(within(n), toPort(port)),
		send: func() { l.do(sender, func() error { return u.Send(1) }) },
	}
}

// forwards sends a datagram through a router with policies of its own.
func (l *lab) forwards(cause, function string, values map[string]any, prepare func(n *ktest.Netns, from, to netip.Addr)) scenario {
	n, in, out := l.firewalledRouter()
	prepare(n, in.near4, out.near4)
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(in.near4, port), To: netip.AddrPortFrom(out.near4, port), Size: 20}
	values["src"], values["dst"] = in.near4, out.near4
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, symbols: []string{function}},
		rows: every(within(n), toPort(port)), send: l.transmits(l.a, in.toFar, u.Packet().Bytes()),
	}
}

func forwardPolicyBlocks(l *lab) scenario {
	return l.forwards("ipsec-policy-block", "__xfrm_policy_check", map[string]any{"policy_check.moved": "XfrmInPolBlock", "policy_check.direction": "fwd"},
		func(n *ktest.Netns, from, to netip.Addr) {
			ktest.NewPolicy(l.tb, n, ktest.Blocking(from, to, netlink.XFRM_DIR_FWD))
		})
}

func outgoingPolicyBlocks(l *lab) scenario {
	return l.forwards("ipsec-out-policy-block", "__xfrm_route_forward", map[string]any{"policy_route.moved": "XfrmOutPolBlock"},
		func(n *ktest.Netns, from, to netip.Addr) {
			ktest.NewPolicy(l.tb, n, ktest.Blocking(from, to, netlink.XFRM_DIR_OUT))
		})
}

// outgoingWithoutState has a policy whose state an IKE daemon has been asked for.
func outgoingWithoutState(l *lab) scenario {
	return l.forwards("ipsec-out-no-state", "__xfrm_route_forward", map[string]any{"policy_route.moved": "XfrmOutNoStates"},
		func(n *ktest.Netns, from, to netip.Addr) {
			ktest.ListenForAcquires(l.tb, n)
			ktest.NewPolicy(l.tb, n, ktest.ESP{Local: from, Remote: to}.Policy(netlink.XFRM_DIR_OUT))
		})
}

// waitsForState sends from a host whose policy has no state yet.
func waitsForState(l *lab) scenario {
	n, w := l.host()
	ktest.ListenForAcquires(l.tb, n)
	ktest.NewPolicy(l.tb, n, ktest.ESP{Local: w.far4, Remote: w.near4}.Policy(netlink.XFRM_DIR_OUT))
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.far4, port), To: netip.AddrPortFrom(w.near4, port), Size: 20}
	return scenario{
		cause: "ipsec-waits-for-state", values: map[string]any{"dst4": w.near4}, rows: toPort(port),
		send: func() { l.do(n, func() error { return u.Send(1) }) },
	}
}

// received sends an ESP packet with this SPI and sequence number.
func (l *lab) received(cause, moved string, spi, seq uint32) scenario {
	n, w := l.encrypting()
	payload := endian.BigEndian.AppendUint32(endian.BigEndian.AppendUint32(nil, spi), seq)
	p := ktest.Packet{From: w.near4, To: w.far4, Protocol: unix.IPPROTO_ESP, Payload: append(payload, make([]byte, 64)...)}
	return scenario{
		cause: cause, values: map[string]any{"xfrm_receive.spi": spi, "xfrm_receive.moved": moved}, needs: needs{probes: true, symbols: []string{"xfrm_input"}},
		rows: every(within(n), fromAddr(w.near4)), send: l.transmits(l.a, w.toFar, p.Bytes()),
	}
}

// stateSPI is the SPI of the state for packets to the far end of a wire (see ktest.ESP.State).
const stateSPI = 0x1001

func withoutState(l *lab) scenario {
	return l.received("ipsec-in-no-state", "XfrmInNoStates", 0x12345678, 1)
}

// replayed sends sequence number 0, which no packet has.
func replayed(l *lab) scenario {
	s := l.received("ipsec-in-replay", "XfrmInStateSeqError", stateSPI, 0)
	if hasReason("NO_SOCKET") { // the types of 5.10 do not describe the function everywhere
		s.with(map[string]any{"replay.seq": 0, "replay.newest": 0, "replay.window": 32})
	}
	return s
}

// wrongKey sends what can't be authenticated.
func wrongKey(l *lab) scenario {
	return l.received("ipsec-in-protocol", "XfrmInStateProtoError", stateSPI, 1)
}

// sent is a scenario in which the last packet of a host can't leave it.
func (l *lab) sent(cause string, n *ktest.Netns, w wire, values map[string]any, send func(from, to netip.AddrPort) error) scenario {
	from, to := netip.AddrPortFrom(w.far4, l.port()), netip.AddrPortFrom(w.near4, l.port())
	values["xfrm_send.peer"], values["xfrm_send.spi"] = w.near4, 0x1002
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, symbols: []string{"xfrm_output_resume"}},
		rows: every(within(n), fromAddr(w.far4), toAddr(w.near4)),
		send: func() {
			l.do(n, func() error {
				if err := send(from, to); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EMSGSIZE) {
					return err
				}
				return nil // the error is that of the drop
			})
		},
	}
}

// stateExpired sends two datagrams with a state for one.
func stateExpired(l *lab) scenario {
	n, w := l.host()
	e := ktest.ESP{Local: w.far4, Remote: w.near4}
	state := e.State()
	state.Limits.PacketHard = 1
	ktest.NewStates(l.tb, n, state)
	ktest.NewPolicy(l.tb, n, e.Policy(netlink.XFRM_DIR_OUT))
	return l.sent("ipsec-out-expired", n, w, map[string]any{"xfrm_send.moved": "XfrmOutStateExpired", "xfrm_send.packets": 1}, func(from, to netip.AddrPort) error {
		return ktest.UDP{From: from, To: to, Size: 20}.Send(2)
	})
}

// tooBigForTunnel sends a datagram that fits through the device, but not through the tunnel.
func tooBigForTunnel(l *lab) scenario {
	n, w := l.host()
	e := ktest.ESP{From: netip.PrefixFrom(w.far4, 32), To: netip.PrefixFrom(w.near4, 32)}.Between(w.far4, w.near4)
	ktest.NewESP(l.tb, n, e)
	const length = 1490
	return l.sent("ipsec-out-too-big", n, w, map[string]any{"xfrm_send.moved": "XfrmOutStateModeError", "xfrm_send.len": length}, func(from, to netip.AddrPort) error {
		return sendProbe(from, to, length)
	})
}

// sendProbe sends a datagram with DF that may be as large as the MTU of the device.
func sendProbe(from, to netip.AddrPort, length int) error {
	const headers = 28
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if controlErr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		}); controlErr != nil {
			return controlErr
		}
		return err
	}}
	c, err := config.ListenPacket(context.Background(), "udp4", from.String())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WriteTo(make([]byte, length-headers), net.UDPAddrFromAddrPort(to))
	return err
}
