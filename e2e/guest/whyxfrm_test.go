// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyXfrm = []provocation{notEncrypted, withoutState}

// encrypting returns a wire to b, which accepts only encrypted packets on it.
func (l *lab) encrypting() wire {
	l.t.Helper()
	w := l.wire(l.a, l.b)
	ktest.NewESP(l.tb, l.b, ktest.ESP{Local: w.far4, Remote: w.near4})
	return w
}

// notEncrypted sends a datagram without the protection that the policy requires.
func notEncrypted(l *lab) scenario {
	w, port := l.encrypting(), l.port()
	to := netip.AddrPortFrom(w.far4, port)
	listenAt(l.t, l.b, to.String())
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: to, Size: 20}
	return scenario{
		cause: "ipsec-policy-template", needs: needs{probes: true, special: true, reason: "XFRM_POLICY", symbols: []string{"__xfrm_policy_check"}},
		rows: every(within(l.b), toPort(port)), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// withoutState sends an ESP packet whose SPI b does not know.
func withoutState(l *lab) scenario {
	w := l.encrypting()
	payload := append([]byte{0x12, 0x34, 0x56, 0x78, 0, 0, 0, 1}, make([]byte, 32)...)
	p := ktest.Packet{From: w.near4, To: w.far4, Protocol: unix.IPPROTO_ESP, Payload: payload}
	return scenario{
		cause: "ipsec-in-no-state", values: map[string]any{"spi": 0x12345678}, needs: needs{probes: true, special: true, symbols: []string{"xfrm_input"}},
		rows: every(within(l.b), fromAddr(w.near4)), send: l.transmits(l.a, w.toFar, p.Bytes()),
	}
}
