// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"

	"tracer/internal/ktest"
)

const tcShot = 2 // TC_ACT_SHOT

// otherMAC: the client has a wrong neighbour entry for its gateway, and sends with the tag of VLAN 7,
// for which the router has no device.
func otherMAC(n *network3) situation {
	const tagged = "10.7.0.1"
	gateway, right := netip.MustParseAddr(lan4), macOf(n, n.router, "lan")
	ktest.SetNeighbour(n.t, n.client, "eth0", gateway, net.HardwareAddr{2, 0, 0, 0, 0, 0x77})
	ktest.NewVLAN(n.t, ktest.End{Netns: n.client, Name: "eth0.7", Addresses: prefixes("10.7.0.2/24")}, ktest.VLAN{Lower: "eth0", ID: 7})
	ktest.SetNeighbour(n.t, n.client, "eth0.7", netip.MustParseAddr(tagged), right)
	return situation{
		send: func() {
			n.query(client4+":4000", server4+":53")
			n.query("10.7.0.2:4000", tagged+":53")
		},
		cure: func() {
			ktest.SetNeighbour(n.t, n.client, "eth0", gateway, right)
			ktest.NewVLAN(n.t, ktest.End{Netns: n.router, Name: "lan.7", Addresses: prefixes(tagged + "/24")}, ktest.VLAN{Lower: "lan", ID: 7})
			n.pings(server4)
			n.pings(tagged)
		},
	}
}

func macOf(n *network3, host *ktest.Netns, device string) (mac net.HardwareAddr) {
	n.t.Helper()
	do(n.t, host, func() error {
		d, err := net.InterfaceByName(device)
		if err == nil {
			mac = d.HardwareAddr
		}
		return err
	})
	return mac
}

// tooBig: the MTU of the router's device to the server is smaller than the MSS that the server announces, and
// the client's firewall drops the ICMP errors that report it.
func tooBig(n *network3) situation {
	const size = 1448 // one segment, of 1500 bytes with its headers
	ktest.SetMTU(n.t, n.router, "wan", 1400)
	ktest.DropICMP(n.t, n.client)
	received := make(chan error, 1)
	listener := n.listen(http)
	go func() { received <- swallow(listener, size) }()
	return situation{
		send: func() {
			do(n.t, n.client, func() error {
				conn, err := tcp(client4+":4001", server4+":8080", "").Connect()
				if err != nil {
					return err
				}
				n.t.Cleanup(func() { conn.Close() })
				_, err = conn.Write(make([]byte, size))
				return err
			})
		},
		cure: func() {
			ktest.FlushRules(n.t, n.client)
			select {
			case err := <-received:
				if err != nil {
					n.t.Error(err)
				}
			case <-time.After(soon):
				n.t.Error("the data does not arrive")
			}
		},
	}
}

// swallow accepts one connection and reads size bytes.
func swallow(l net.Listener, size int64) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.CopyN(io.Discard, conn, size)
	return err
}

// fullQueue: the router's device has a rate limit and a short queue.
func fullQueue(n *network3) situation {
	remove := ktest.LimitRate(n.t, n.router, "wan", 10_000)
	flood := ktest.UDP{From: netip.MustParseAddrPort(client4 + ":4000"), To: netip.MustParseAddrPort(server4 + ":53"), Size: 1000}
	return situation{
		send: func() { do(n.t, n.client, func() error { return flood.Send(20) }) },
		cure: func() {
			remove()
			n.arrives(client4+":4000", server4+":53")
		},
	}
}

// droppedByProgram: a traffic control program drops all packets that the router receives.
func droppedByProgram(n *network3) situation {
	deny := ktest.LoadProgram(n.t, ktest.Program{Name: "deny", Type: ebpf.SchedCLS, Body: ktest.Returns(tcShot)})
	remove := ktest.AddTC(n.t, n.router, "lan", false, deny)
	return situation{
		send: func() { n.query(client4+":4000", server4+":53") },
		cure: func() {
			remove()
			n.pings(server4)
		},
	}
}
