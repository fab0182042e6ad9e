// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"github.com/google/nftables"

	"tracer/internal/ktest"
)

// nftLab is the network of randomTables: the namespace b has a bridge br0, to whose port vb the namespace a sends, and
// a device vc, to which it forwards. All packets that arrive have the flag nftrace.
type nftLab struct {
	a, b *ktest.Netns
	// bridge is the address of the bridge, beyond the one behind its other port.
	bridge, beyond net.HardwareAddr
}

// The source address of a packet has its number. These networks have no other packets.
const (
	numbered4, numbered6 = "10.0.0.0/13", "fd00::/96"
	numbersFilter        = "src net " + numbered4 + " or src net " + numbered6
	// firstNumber is added to the numbers, so that no address has a special meaning.
	firstNumber = 256
	mostNumbers = 500000
)

// The addresses behind the device vc.
const far4OfLab, far6OfLab = "10.8.0.2", "fd08::2"

func newNftLab(t *testing.T) *nftLab {
	t.Helper()
	l := &nftLab{a: ktest.NewNetns(t, "a"), b: ktest.NewNetns(t, "b"), beyond: hardware}
	ktest.NewVeth(t, ktest.End{Netns: l.a, Name: "va", Addresses: prefixes(a4+"/24", a6+"/64")}, ktest.End{Netns: l.b, Name: "vb"})
	c := ktest.NewNetns(t, "c")
	ktest.NewVeth(t, ktest.End{Netns: l.b, Name: "vc", Addresses: prefixes("10.8.0.1/24", "fd08::1/64")}, ktest.End{Netns: c, Name: "wc"})
	ktest.NewVeth(t, ktest.End{Netns: l.b, Name: "vd"}, ktest.End{Netns: c, Name: "wd"})
	for _, to := range []string{far4OfLab, far6OfLab} {
		ktest.SetNeighbour(t, l.b, "vc", netip.MustParseAddr(to), hardware)
	}
	ktest.NewBridge(t, ktest.End{Netns: l.b, Name: "br0", Addresses: prefixes(b4+"/24", b6+"/64")}, "vb", "vd")
	ktest.AddForwarding(t, l.b, "vd", l.beyond)
	l.bridge = ktest.HardwareAddr(t, l.b, "br0")
	ktest.MakeRouter(t, l.b)
	for _, device := range []string{"all", "br0"} {
		l.b.SetSysctl(t, "ipv4/conf/"+device+"/rp_filter", "0")
	}
	// Rules that reject a packet answer it.
	ktest.NewRoute(t, l.b, netip.MustParsePrefix(numbered4), netip.MustParseAddr(a4))
	ktest.NewRoute(t, l.b, netip.MustParsePrefix(numbered6), netip.MustParseAddr(a6))
	for _, to := range []string{a4, a6} { // the rules drop what would resolve them
		ktest.SetNeighbour(t, l.b, "br0", netip.MustParseAddr(to), ktest.HardwareAddr(t, l.a, "va"))
	}
	l.addTraceRule(t)
	return l
}

// addTraceRule sets the flag before any other rule, in a table of its own.
func (l *nftLab) addTraceRule(t *testing.T) {
	t.Helper()
	r := ktest.NewRuleset(t, l.b)
	r.Rule(r.Base(r.Table(nftables.TableFamilyNetdev, "trace"), "trace", nftables.ChainHookIngress, -1000, nftables.ChainPolicyAccept, "vb"), "trace", ktest.SetNftrace()...)
	r.Commit()
}

// packet returns a random packet with a number, and the address of its frame: for the namespace, or beyond the bridge,
// or to forward.
func (l *nftLab) packet(number int, r *rand.Rand) (to net.HardwareAddr, packet []byte) {
	v6, dest := r.IntN(3) == 0, []string{b4, b6}
	to = l.bridge
	switch r.IntN(5) {
	case 0:
		to = l.beyond
	case 1:
		dest = []string{far4OfLab, far6OfLab}
	}
	addr := netip.MustParseAddr(dest[0])
	if v6 {
		addr = netip.MustParseAddr(dest[1])
	}
	source := netip.AddrPortFrom(numberedSource(number, v6), 5000)
	target := netip.AddrPortFrom(addr, uint16(firstPort+r.IntN(randomPorts)))
	if r.IntN(8) == 0 {
		return to, ktest.Segment{From: source, To: target, Flags: flagSYN, Seq: 1, Window: 1000}.Bytes()
	}
	return to, ktest.UDP{From: source, To: target, Size: 8}.Packet().Bytes()
}

// numberedSource returns the source address of a packet.
func numberedSource(number int, v6 bool) netip.Addr {
	if v6 {
		b := [16]byte{0xfd}
		endian.BigEndian.PutUint32(b[12:], uint32(number+firstNumber))
		return netip.AddrFrom16(b)
	}
	var b [4]byte
	endian.BigEndian.PutUint32(b[:], 10<<24|uint32(number+firstNumber))
	return netip.AddrFrom4(b)
}

var numberedNets = prefixes(numbered4, numbered6)

// numberOf returns the number of the packet with a source address, or -1 for other packets.
func numberOf(source netip.Addr) int {
	if !numberedNets[0].Contains(source) && !numberedNets[1].Contains(source) {
		return -1
	}
	b := source.AsSlice()
	const mask = 1<<24 - 1 // the address of IPv4 has the network in its first byte
	return int(endian.BigEndian.Uint32(b[len(b)-4:])&mask) - firstNumber
}

// numberIn returns the number of the packet with a network header, or -1 for other packets.
func numberIn(header []byte) int {
	switch {
	case len(header) >= 20 && header[0]>>4 == 4:
		return numberOf(netip.AddrFrom4([4]byte(header[12:16])))
	case len(header) >= 40 && header[0]>>4 == 6:
		return numberOf(netip.AddrFrom16([16]byte(header[8:24])))
	}
	return -1
}
