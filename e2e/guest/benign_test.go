// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// foreign is a MAC address that no device has.
var foreign = net.HardwareAddr{2, 0, 0, 0, 0, 99}

// dropVerdict is a packet that is dropped for a reason, and whether tracer must mark the drop as benign.
type dropVerdict struct {
	reason string
	send   func(w *world) error
	// match selects the rows of the drop.
	match  func(*record) bool
	benign bool
}

func (w *world) frameTo(to net.HardwareAddr, port int) error {
	return w.a.Do(func() error {
		return ktest.SendFrame("va", to, ktest.Datagram(udp(fmt.Sprintf("%s:%d", a4, port), b4+":5002")))
	})
}

// tagged sends a frame with a VLAN tag to the MAC address of the other end.
func (w *world) tagged(port int) error {
	var own net.HardwareAddr
	find := func() error {
		link, err := net.InterfaceByName("vb")
		if err == nil {
			own = link.HardwareAddr
		}
		return err
	}
	return errors.Join(w.b.Do(find), w.a.Do(func() error {
		return ktest.SendTagged("va", own, 7, ktest.Datagram(udp(fmt.Sprintf("%s:%d", a4, port), b4+":5002")))
	}))
}

func (w *world) pings(address string, id uint16) error {
	return w.a.Do(func() error { return ktest.Ping(netip.MustParseAddr(address), id, 1) })
}

// strayReply sends an echo reply without a request.
func (w *world) strayReply() error {
	return w.a.Do(func() error {
		c, err := net.DialIP("ip4:icmp", nil, &net.IPAddr{IP: net.ParseIP(b4)})
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte{0, 0, 0xff, 0xff - 0x77, 0, 0x77, 0, 0})
		return err
	})
}

// TestBenignDrops checks that drops with the same reason are benign or not, depending on the packet.
func TestBenignDrops(t *testing.T) {
	if !hasReasons() {
		hidesNothing(t)
		return
	}
	t.Run("plain", func(t *testing.T) { checkDrops(t, newWorld(t), plainDrops) })
	t.Run("promiscuous", func(t *testing.T) {
		w := newWorld(t)
		ktest.Sniffer{Promiscuous: true}.Open(t, w.b, "vb")
		checkDrops(t, w, watchedDrops)
	})
	t.Run("packet socket", func(t *testing.T) {
		w := newWorld(t)
		ktest.Sniffer{}.Open(t, w.b, "vb")
		checkDrops(t, w, sniffedDrops)
	})
	t.Run("bridge", bridgedDrop)
	t.Run("hidden", hiddenDrops)
}

var plainDrops = []dropVerdict{
	{"NO_SOCKET", func(w *world) error { return w.pings(b4, 0x4001) }, echo(0, 0x4001), true},
	{"NO_SOCKET", func(w *world) error { return w.pings(b6, 0x4002) }, echo(129, 0x4002), true},
	{"NO_SOCKET", (*world).strayReply, echo(0, 0x77), false},
	{"NO_SOCKET", func(w *world) error { return w.a.Do(func() error { return udp(a4+":7101", b4+":5002").Send(1) }) }, ports(7101, 5002), false},
	{"OTHERHOST", func(w *world) error { return w.frameTo(foreign, 7102) }, ports(7102, 5002), false},
	{"OTHERHOST", func(w *world) error { return w.tagged(7103) }, ports(7103, 5002), false},
}

var watchedDrops = []dropVerdict{
	{"OTHERHOST", func(w *world) error { return w.frameTo(foreign, 7104) }, ports(7104, 5002), true},
	{"OTHERHOST", func(w *world) error { return w.tagged(7105) }, ports(7105, 5002), false},
}

var sniffedDrops = []dropVerdict{
	{"NO_SOCKET", func(w *world) error { return w.a.Do(func() error { return udp(a4+":7106", b4+":5002").Send(1) }) }, ports(7106, 5002), true},
}

// checkDrops traces the drops, and checks the rows and the summary.
func checkDrops(t *testing.T, w *world, want []dropVerdict) {
	t.Helper()
	p := start(t, "--drop", "host "+a4+" or host "+a6)
	for _, d := range want {
		if err := d.send(w); err != nil {
			t.Fatal(err)
		}
	}
	tr := p.stop()
	for _, d := range want {
		rows := tr.events.that(dropped, d.match, func(r *record) bool { return r.Netns == w.a.Inode || r.Netns == w.b.Inode })
		if len(rows) == 0 {
			t.Errorf("no drop for %s", d.reason)
		}
		for _, r := range rows {
			if r.Reason != "SKB_DROP_REASON_"+d.reason || r.Benign != d.benign {
				t.Errorf("%s benign %v, want %s benign %v: %+v", r.Reason, r.Benign, d.reason, d.benign, r.Tuple)
			}
		}
	}
	if benign := len(tr.events.that(func(r *record) bool { return r.Benign })); tr.summary.Drops != len(tr.events)-benign {
		t.Errorf("%d drops of %d rows, of which %d are benign", tr.summary.Drops, len(tr.events), benign)
	}
}

// bridgedDrop checks the drop of a frame that a bridge floods to a host which is not its destination.
func bridgedDrop(t *testing.T) {
	a, b, bridge := ktest.NewNetns(t, "a"), ktest.NewNetns(t, "b"), ktest.NewNetns(t, "bridge")
	ktest.NewVeth(t, ktest.End{Netns: a, Name: "va", Addresses: prefixes(a4 + "/24")}, ktest.End{Netns: bridge, Name: "pa"})
	ktest.NewVeth(t, ktest.End{Netns: b, Name: "vb", Addresses: prefixes(b4 + "/24")}, ktest.End{Netns: bridge, Name: "pb"})
	ktest.NewBridge(t, ktest.End{Netns: bridge, Name: "br0"}, "pa", "pb")
	checkDrops(t, &world{t, a, b}, []dropVerdict{
		{"OTHERHOST", func(w *world) error { return w.frameTo(foreign, 7107) }, ports(7107, 5002), true},
	})
}

// hiddenDrops checks that benign drops are hidden and counted by reason, and that other drops are not hidden.
func hiddenDrops(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--drop", "--drop-hide-benign", "icmp and host "+a4+" or udp port 5002")
	for range 2 {
		if err := errors.Join(w.pings(b4, 0x4003), w.frameTo(foreign, 7108)); err != nil {
			t.Fatal(err)
		}
	}
	tr := p.stop()
	tr.events.that(func(r *record) bool { return r.Benign }).absent(t, "benign drop")
	if n := len(tr.events.that(ports(7108, 5002))); n != 2 {
		t.Errorf("%d drops with a wrong MAC address, want 2", n)
	}
	if n := tr.summary.Hidden["SKB_DROP_REASON_NO_SOCKET"]; n < 2 {
		t.Errorf("hidden: %v, want 2 NO_SOCKET", tr.summary.Hidden)
	}
}

// hidesNothing checks the note before 5.17: without drop reasons nothing is hidden.
func hidesNothing(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--drop", "--drop-hide-benign", "udp port 5002")
	do(t, w.a, func() error { return udp(a4+":7101", b4+":5002").Send(1) })
	p.stop().events.that(ports(7101, 5002)).passed(t, "kfree_skb")
	if !strings.Contains(p.stderr(), "--drop-hide-benign hides nothing: this kernel has no drop reasons") {
		t.Errorf("stderr: %s", p.stderr())
	}
}

// TestFragmentListIsOneDrop checks that the drop of a reassembled datagram, which keeps its fragments in a
// list, counts as one drop.
func TestFragmentListIsOneDrop(t *testing.T) {
	w := newWorld(t)
	ktest.TrackConnections(t, w.b) // conntrack reassembles datagrams as a list of fragments
	for _, args := range [][]string{{"--drop"}, {"--filter-func", "kfree_skb"}} {
		p := start(t, append(args, "udp and net 10.9.0.0/24")...)
		datagram := udp(a4+":7110", b4+":5002")
		datagram.Size = 6000
		do(t, w.a, func() error { return datagram.Send(1) })
		tr := p.stop()
		if drops := tr.events.that(dropped); len(drops) != 1 || tr.summary.Drops != 1 {
			t.Errorf("%v: %d drops, %d in the summary, want 1: %+v", args, len(drops), tr.summary.Drops, tr.events)
		}
		if parts := len(tr.events.that(not(dropped))); (parts > 0) != (args[0] != "--drop") {
			t.Errorf("%v: %d rows of parts", args, parts)
		}
	}
}
