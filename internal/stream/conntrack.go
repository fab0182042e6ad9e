// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// tick returns the length of a jiffy, the unit of timeouts in the kernel, or 0 if it is unknown. It is the
// resolution of the coarse clocks.
var tick = sync.OnceValue(func() time.Duration {
	var resolution unix.Timespec
	if unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &resolution) != nil {
		return 0
	}
	return time.Duration(resolution.Nano())
})

func decodeConntrack(c *bpf.Conntrack, to *event.Conntrack) {
	*to = event.Conntrack{}
	if c.Has&bpf.HasInvalid != 0 {
		to.State = event.Invalid
	}
	if c.Has&bpf.HasInfo == 0 {
		return
	}
	to.State = event.ConntrackState(c.Info + 1)
	if c.Has&bpf.HasEntry == 0 {
		return
	}
	to.Known = true
	to.Status = uint32(c.Status)
	to.HasZone, to.Zone = c.Has&bpf.HasZone != 0, c.Zone
	to.HasMark, to.Mark = c.Has&bpf.HasMark != 0, c.Mark
	to.Left = time.Duration(max(0, c.Left)) * tick()
	decodeDirection(&c.Original, &to.Original)
	decodeDirection(&c.Reply, &to.Reply)
	if to.Original.Protocol == unix.IPPROTO_TCP {
		to.TCPState = event.TCPState(c.TcpState)
	}
}

// decodeDirection converts one direction of a connection to a tuple.
func decodeDirection(d *bpf.Direction, to *event.Tuple) {
	to.Protocol = d.Protocol
	switch d.Family {
	case unix.AF_INET:
		to.Network = event.IPv4
		to.Source, to.Dest = netip.AddrFrom4([4]byte(d.Source[:4])), netip.AddrFrom4([4]byte(d.Dest[:4]))
	case unix.AF_INET6:
		to.Network = event.IPv6
		to.Source, to.Dest = netip.AddrFrom16(d.Source), netip.AddrFrom16(d.Dest)
	}
	switch d.Protocol {
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		to.ICMP = event.ICMP{Type: uint8(d.DestPort >> 8), Code: uint8(d.DestPort), ID: d.SourcePort}
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_UDPLITE, unix.IPPROTO_SCTP, unix.IPPROTO_DCCP:
		to.Ports, to.SourcePort, to.DestPort = true, d.SourcePort, d.DestPort
	}
}
