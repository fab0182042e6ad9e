// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestSilentDrops checks that packets which end without a drop of the kernel are shown as drops, with their cause:
// a SYN for a full accept queue, a ping with icmp_echo_ignore_all, and an ARP request with arp_ignore. They need probes
// of functions.
func TestSilentDrops(t *testing.T) {
	if chosen() == tracepoint {
		t.Skip("this kernel has no function probes")
	}
	a, b := ktest.NewNetns(t, "silent-a"), ktest.NewNetns(t, "silent-b")
	ktest.NewVeth(t, ktest.End{Netns: a, Name: "va", Addresses: prefixes("10.9.5.1/24")}, ktest.End{Netns: b, Name: "vb", Addresses: prefixes("10.9.5.2/24")})
	ping(t, a, "10.9.5.2", 0x5101)
	l := listenBacklog(t, b, netip.MustParseAddrPort("10.9.5.2:8080"), 0)
	defer l.Close()
	do(t, a, func() error { return connects("10.9.5.2:8080") })
	p := start(t, "--drop", "net 10.9.5.0/24 or arp")
	refused(t, a, tcp("10.9.5.1:4001", "10.9.5.2:8080", ""))
	b.SetSysctl(t, "ipv4/icmp_echo_ignore_all", "1")
	do(t, a, func() error { ktest.Ping("10.9.5.2", 0x5102, 1, 100*time.Millisecond); return nil })
	drops := p.stop().events
	syn := drops.that(explained("syn-accept-queue-full"))
	syn.present(t, "SYN for a full accept queue")
	syn.that(to("10.9.5.2"), ports(4001, 8080), silent).present(t, "SYN of port 4001, without a drop of the kernel")
	drops.that(explained("ping-ignored"), to("10.9.5.2"), silent).present(t, "ignored ping")
}

// explained matches drops with this cause.
func explained(cause string) func(*record) bool {
	return func(r *record) bool { return r.Why != nil && r.Why.Cause == cause }
}

// silent matches drops that the kernel does not report.
func silent(r *record) bool { return r.Why != nil && !r.Why.KernelDrop }
