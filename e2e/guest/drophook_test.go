// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net"
	"testing"

	"tracer/internal/ktest"
)

// segment returns an IPv4 packet with a TCP header in which all flags are set, so that connection tracking
// considers it invalid.
func segment(port uint16) []byte {
	b := append(ktest.Datagram(udp(a4+":40081", b4+":8081")), make([]byte, 12)...)
	b[3], b[9], b[10], b[11] = byte(len(b)), 6, 0, 0
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(endian.BigEndian.Uint16(b[i:]))
	}
	endian.BigEndian.PutUint16(b[10:], ^uint16(sum>>16+sum&0xffff))
	clear(b[20:])
	endian.BigEndian.PutUint16(b[20:], 40082)
	endian.BigEndian.PutUint16(b[22:], port)
	b[32], b[33] = 5<<4, 0x3f // all flags
	return b
}

func (w *world) sendSegment(port uint16) error {
	var own net.HardwareAddr
	err := w.b.Do(func() error {
		link, err := net.InterfaceByName("vb")
		if err == nil {
			own = link.HardwareAddr
		}
		return err
	})
	if err != nil {
		return err
	}
	return w.a.Do(func() error { return ktest.SendFrame("va", own, segment(port)) })
}

// TestDropInNetfilterHook checks that the row of a drop by netfilter has the hook, the chain and the connection,
// if functions are traced and if only drops are.
func TestDropInNetfilterHook(t *testing.T) {
	needFunctions(t)
	w := newWorld(t)
	ktest.TrackConnections(t, w.b)
	ktest.DropTCP(t, w.b, 8081)
	for _, args := range [][]string{{"--drop"}, {"--filter-func", "ip_rcv|kfree_skb.*|sk_skb_reason_drop"}, {"--filter-func", ".*nf.*|.*nft.*|.*conntrack.*|tp:kfree_skb|kfree_skb.*"}} {
		args = append(append(args, modulesOfNetfilter()...), "--output-netfilter", "--output-conntrack", "tcp and net 10.9.0.0/24")
		p := start(t, args...)
		refused(t, w.a, tcp(a4+":40081", b4+":8081", ""))
		if err := w.sendSegment(8081); err != nil {
			t.Fatal(err)
		}
		events := p.stop().events.that(func(r *record) bool { return r.Netns == w.b.Inode }, dropped)
		drops := events.that(ports(40081, 8081))
		drops.that(hooked("ipv4", "INPUT")).present(t, "drop in its hook")
		drops.that(not(hooked("ipv4", "INPUT"))).absent(t, "drop in another hook, or none")
		drops.that(tracked("NEW", "SYN_SENT")).present(t, "drop of a packet of a new connection")
		if hasModuleTypes() {
			drops.that(not(inChain("nft", "inet", "ktest", "input", 0))).absent(t, "drop in another chain, or none")
			invalid := events.that(ports(40082, 8081))
			invalid.present(t, "drop of an invalid packet")
			invalid.that(func(r *record) bool { return r.Conntrack == nil || r.Conntrack.Ctinfo != "INVALID" }).absent(t, "invalid packet in another state")
		}
	}
}

// TestReturnsHaveTheHookOfTheEntry checks that return events have the hook and the connection of their entry.
func TestReturnsHaveTheHookOfTheEntry(t *testing.T) {
	needFunctions(t)
	w := newWorld(t)
	ktest.TrackConnections(t, w.b)
	p := start(t, "--output-return", "--filter-func", "nf_hook_slow", "--output-netfilter", "--output-conntrack", "tcp and net 10.9.0.0/24")
	if err := tcp(a4+":0", b4+":8080", get).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	entries := map[string]bool{}
	events := p.stop().events.that(func(r *record) bool { return r.Netns == w.b.Inode })
	for _, r := range events.that(func(r *record) bool { return r.Type == "function" }) {
		entries[r.Netfilter.Hook] = true
	}
	returns := events.that(func(r *record) bool { return r.Type == "return" })
	returns.that(hooked("ipv4", "INPUT")).present(t, "return with its hook")
	returns.that(func(r *record) bool { return r.Netfilter == nil || !entries[r.Netfilter.Hook] }).absent(t, "return without the hook of its entry")
	returns.that(hooked("ipv4", "INPUT"), func(r *record) bool { return r.Conntrack == nil }).absent(t, "return without the connection of its entry")
}
