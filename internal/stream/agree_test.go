// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tracer/internal/event"
)

// comparison compares an event with the layers that tshark finds in the same frame. An event may leave out some
// of their fields.
type comparison struct {
	frame []byte
	// end is the offset in the frame at which the layer ends that was taken last.
	end int
	// over is true if there is nothing more to compare.
	over bool
	// rest are tshark's remaining layers.
	rest dissected
	// complaints are the differences. less is what the event leaves out, and more is what tshark does
	// not show of a truncated header.
	complaints, less, more []string
}

func (c *comparison) complain(format string, args ...any) {
	c.complaints = append(c.complaints, fmt.Sprintf(format, args...))
}

// endComparison ends the comparison because tshark does not dissect the rest of the frame.
func (c *comparison) endComparison(why string) {
	c.more = append(c.more, why)
	c.rest, c.over = nil, true
}

func (c *comparison) omit(what string) { c.less = append(c.less, what) }

// next returns the name of the next layer, or "" after the last.
func (c *comparison) next() string {
	if len(c.rest) == 0 {
		return ""
	}
	return c.rest[0].name
}

// take removes the next layer and returns it.
func (c *comparison) take() layer {
	if len(c.rest) == 0 {
		return layer{}
	}
	l := c.rest[0]
	c.rest, c.end = c.rest[1:], l.end
	return l
}

// isCut reports whether tshark reached the end of the frame in the middle of a header.
func (c *comparison) isCut() bool { return strings.HasPrefix(c.next(), "_ws.") }

// transportLayer takes the next layer if it has one of the names. Otherwise it returns a layer without
// fields.
func (c *comparison) transportLayer(names ...string) layer {
	if slices.Contains(names, c.next()) {
		return c.take()
	}
	return layer{at: c.end}
}

// number returns a field as a number, and whether the layer has it.
func (l layer) number(field string) (uint64, bool) {
	value, found := l.fields[field]
	if !found {
		return 0, false
	}
	base := 16
	if strings.HasPrefix(value, "0x") {
		base = 0
	}
	n, err := strconv.ParseUint(value, base, 64)
	return n, err == nil
}

func (l layer) address(field string) netip.Addr {
	raw, err := hex.DecodeString(l.fields[field])
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// same compares a number with a field of tshark.
func (c *comparison) same(l layer, field string, ours uint64) {
	if theirs, found := l.number(field); !found || theirs != ours {
		c.complain("%s is %d, tshark: %q", field, ours, l.fields[field])
	}
}

// sameOrCut does the same for a field at an offset of a transport header. If the header is truncated,
// tshark does not show all of its fields, and the number is compared with the bytes of the frame.
func (c *comparison) sameOrCut(l layer, field string, offset, size int, ours uint64) {
	_, found := l.number(field)
	from := l.at + offset
	if found || !c.isCut() || from+size > len(c.frame) {
		c.same(l, field, ours)
		return
	}
	if theirs, _ := strconv.ParseUint(hex.EncodeToString(c.frame[from:from+size]), 16, 64); theirs != ours {
		c.complain("%s is %d, in the frame: %d", field, ours, theirs)
	}
	c.more = append(c.more, field)
}

func (c *comparison) sameAddress(l layer, field string, ours netip.Addr) {
	if theirs := l.address(field); theirs != ours {
		c.complain("%s is %v, tshark: %v", field, ours, theirs)
	}
}

// compare compares an event with the layers.
func compare(e *event.Event, frame []byte, d dissected) *comparison {
	c := &comparison{frame: frame, rest: d}
	c.link(&e.Tuple)
	c.tunnel(e.Tunnel, e.Tuple.Protocol)
	return c
}

// TestDisagreementIsFound checks that the comparison finds each kind of wrong value.
func TestDisagreementIsFound(t *testing.T) {
	layers := dissected{
		{name: "eth", fields: map[string]string{"eth.type": "8100"}},
		{name: "vlan", fields: map[string]string{"vlan.id": "5", "vlan.etype": "0800"}},
		{name: "ip", fields: map[string]string{"ip.src": "0a090001", "ip.dst": "0a090002", "ip.proto": "06", "ip.frag_offset": "0", "ip.flags.mf": "0"}},
		{name: "tcp", fields: map[string]string{"tcp.srcport": "0fa0", "tcp.dstport": "0050", "tcp.flags": "12"}},
	}
	right := event.Tuple{
		Network: event.IPv4, Source: netip.MustParseAddr("10.9.0.1"), Dest: netip.MustParseAddr("10.9.0.2"), EtherType: 0x800,
		Protocol: 6, Ports: true, SourcePort: 4000, DestPort: 80, HasTCPFlags: true, TCPFlags: 0x12, Tags: 1, VLAN: 5,
	}
	if c := compare(&event.Event{Tuple: right, Tunnel: &event.Tunnel{}}, nil, layers); len(c.complaints)+len(c.less) > 0 {
		t.Errorf("complaints %q, less %q", c.complaints, c.less)
	}
	for name, change := range map[string]func(*event.Tuple){
		"address":  func(e *event.Tuple) { e.Dest = e.Source },
		"port":     func(e *event.Tuple) { e.DestPort++ },
		"protocol": func(e *event.Tuple) { e.Protocol = 17 },
		"flags":    func(e *event.Tuple) { e.TCPFlags = 2 },
		"window":   func(e *event.Tuple) { e.TCP.Recorded = true },
		"fragment": func(e *event.Tuple) { e.Fragment = true },
		"tag":      func(e *event.Tuple) { e.VLAN = 6 },
		"tags":     func(e *event.Tuple) { e.Tags = 2 },
		"network":  func(e *event.Tuple) { e.Network = event.IPv6 },
		"llc":      func(e *event.Tuple) { e.Network = event.LLC },
		"type":     func(e *event.Tuple) { e.Network, e.EtherType = event.OtherNetwork, 0x806 },
	} {
		wrong := right
		change(&wrong)
		if c := compare(&event.Event{Tuple: wrong, Tunnel: &event.Tunnel{}}, nil, layers); len(c.complaints) == 0 {
			t.Errorf("a wrong %s is not found", name)
		}
	}
}
