// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net/netip"
	"os"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// firewalled: an nftables rule in a chain that the server's base chain jumps to drops packets to a port.
func firewalled(n *network3) situation {
	r := ktest.NewRuleset(n.t, n.server)
	table := r.Table(nftables.TableFamilyINet, "filter")
	input := r.Base(table, "input", nftables.ChainHookInput, 0, nftables.ChainPolicyAccept, "")
	deny := r.Chain(table, "deny")
	r.Rule(input, "denied ports", verdict(expr.VerdictJump, deny.Name))
	r.Rule(deny, "ticket 1234", append(ktest.ToPort(unix.IPPROTO_TCP, http), counted(verdict(expr.VerdictDrop, ""))...)...)
	r.Commit()
	n.listen(http)
	return situation{
		send: func() { refused(n.t, n.client, tcp(client4+":4001", server4+":8080", "")) },
		cure: func() {
			ktest.FlushRules(n.t, n.server)
			n.succeeds(func() error { return n.connects(server4 + ":8080") })
		},
	}
}

// fullTable: the router's conntrack table is full.
func fullTable(n *network3) situation {
	needDedicatedMachine(n.t)
	ktest.TrackConnections(n.t, n.router)
	setMaximum(n.t, "1")
	n.query(client4+":3999", server4+":53") // occupies the only entry
	return situation{
		send: func() { n.query(client4+":4000", server4+":53") },
		cure: func() {
			setMaximum(n.t, "10000")
			n.arrives(client4+":4000", server4+":53")
		},
	}
}

// setMaximum sets the maximum number of conntrack entries per namespace.
func setMaximum(t *testing.T, value string) {
	t.Helper()
	const setting = "/proc/sys/net/netfilter/nf_conntrack_max"
	before, err := os.ReadFile(setting)
	if err == nil {
		t.Cleanup(func() { os.WriteFile(setting, before, 0) })
		err = os.WriteFile(setting, []byte(value), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// deadBackend: the router translates a service address to a closed port of the server.
func deadBackend(n *network3) situation {
	const backend = server4 + ":5353"
	ktest.DNAT(n.t, n.router, dnsQuery, netip.MustParseAddrPort(backend))
	port := 4000
	send := func() { // a new connection each time
		n.query(fmt.Sprintf("%s:%d", client4, port), service4+":53")
		port++
	}
	return situation{
		send: send,
		cure: func() {
			socket := listenAt(n.t, n.server, backend)
			n.succeeds(func() error {
				send()
				return receive(socket)
			})
		},
	}
}
