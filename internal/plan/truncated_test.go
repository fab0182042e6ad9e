// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"slices"
	"testing"

	xbpf "golang.org/x/net/bpf"

	"tracer/internal/bpf"
	"tracer/internal/filter"
	"tracer/internal/ktest"
)

// expressions read every header that libpcap supports, at fixed and at computed offsets.
var expressions = []string{
	"ether host 00:11:22:33:44:55", "ether[12:2] >= 1536", "arp", "vlan", "vlan and vlan", "vlan and udp port 53", "mpls", "pppoes and ip",
	"host 10.0.0.1", "net 10.0.0.0/8", "ip6 net 2001:db8::/32", "icmp", "icmp6", "port 80", "portrange 50-60", "sctp port 2000",
	"not tcp", "tcp[tcpflags] & tcp-syn != 0", "udp[8:4] != 0", "ip[6:2] & 0x1fff = 0", "ip6[6] = 17", "geneve 0xb", "len > 60", "less 70", "not greater 90",
}

// newFrameLab loads a program with one filter. It runs on sk_buffs that the test makes.
func newFrameLab(t *testing.T, c bpf.Config, bodies bpf.Bodies) *ktest.SkbLab {
	t.Helper()
	spec, _, err := bpf.ReadObject().Collection(bpf.Spec{Config: c, Bodies: bodies, RingSize: 1 << 16, Programs: []bpf.Program{
		{Name: "skb", Template: bpf.TracepointTemplate, Tracepoint: &bpf.TracepointParams{Number: 1, Location: -1, Reason: -1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return ktest.NewSkbLab(t, spec, "skb")
}

// cutFrame is a frame that is cut at length. The rest of its bytes lie after the end.
type cutFrame struct {
	bytes  []byte
	length int
}

// received returns the sk_buff of a received frame, and the bytes that filters see.
func (f cutFrame) received() (state ktest.SkbState, seen []byte) {
	return ktest.Received(ktest.InMemory(f.bytes), f.length), f.bytes[:f.length]
}

// sent returns the sk_buff of a packet that has no Ethernet header yet. Filters see one with zero addresses.
func (f cutFrame) sent() (state ktest.SkbState, seen []byte) {
	state, seen = f.received()
	seen = slices.Clone(seen)
	clear(seen[:12])
	return state.Sent(binary.BigEndian.Uint16(f.bytes[12:])), seen
}

// tagged returns the sk_buff of a frame whose VLAN tag the network card removed. Filters see the tag only if
// they test for tags.
func (f cutFrame) tagged(filtersTags bool) (state ktest.SkbState, seen []byte) {
	state, seen = f.received()
	state.Tag = 5
	if filtersTags {
		seen = slices.Concat(seen[:12], []byte{0x81, 0, 0, 5}, seen[12:])
	}
	return state, seen
}

// TestFiltersOfTruncatedFrames checks that the verdict of a filter on a truncated frame does not depend on the
// bytes after its end. It must equal the verdict of an interpreter of classic BPF.
func TestFiltersOfTruncatedFrames(t *testing.T) {
	direct := ktest.Direct(t)
	frames := ktest.Frames(t)
	for i, expr := range expressions {
		p, err := filter.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		vm, err := xbpf.NewVM(p.Classic)
		if err != nil {
			t.Fatal(err)
		}
		c := bpf.Config{Filter: true, Need: uint32(p.Need), Length: p.Length, Vlan: p.VLAN}
		slow := newFrameLab(t, c, bpf.Bodies{Filter: p.Body})
		labs := []*ktest.SkbLab{slow}
		if body := p.Prefilter(*direct); body != nil {
			c.Direct, c.Prefilter, c.PrefilterFirst = true, true, true
			labs = append(labs, newFrameLab(t, c, bpf.Bodies{Filter: p.Body, Prefilter: body, Cast: direct.Call()}))
		}
		for k := i % 12; k < len(frames); k += 12 { // each expression is tested with every twelfth frame
			compareCuts(t, p, vm, labs, frames[k])
		}
	}
}

// compareCuts compares the verdicts on a frame that is cut at every length up to 120.
func compareCuts(t *testing.T, p *filter.Program, vm *xbpf.VM, labs []*ktest.SkbLab, frame ktest.Frame) {
	t.Helper()
	for length := 1; length <= min(len(frame.Bytes), 120); length++ {
		f := cutFrame{frame.Bytes, length}
		states := []func() (ktest.SkbState, []byte){f.received}
		if length > 14 {
			states = append(states, f.sent, func() (ktest.SkbState, []byte) { return f.tagged(p.VLAN) })
		}
		for way, make := range states {
			state, seen := make()
			verdict, err := vm.Run(seen)
			if err != nil {
				t.Fatal(err)
			}
			for k, l := range labs {
				if got := l.Look(t, state) != nil; got != (verdict != 0) {
					t.Errorf("%s, program %d, %s, way %d, cut at %d: %v, want %v", p.Expr, k, frame.Name, way, length, got, verdict != 0)
				}
			}
		}
	}
}
