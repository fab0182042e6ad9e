// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/internal/kernel"
	"tracer/libpcap"
)

// A glance looks at an sk_buff that the test makes in a map, with the kernel's own members
// at their places and the frame behind it.

const (
	skbRoom  = 1024
	headroom = 64
)

type glanceLab struct {
	*lab
	memory Memory
	skbs   *ebpf.Map
	value  []byte
}

// newGlanceLab skips the test where the kernel can't have a glance.
func newGlanceLab(tb testing.TB) *glanceLab {
	tb.Helper()
	l := newLab(tb)
	facts, err := kernel.Gather(tb.Context(), kernel.Options{})
	if err != nil {
		tb.Skip(err)
	}
	if facts.Direct == nil {
		tb.Skip(facts.NoDirect)
	}
	size := skbRoom + headroom + maxFrame + packetSize
	skbs, err := ebpf.NewMap(&ebpf.MapSpec{Name: "skb", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size), MaxEntries: 1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { skbs.Close() })
	return &glanceLab{l, Memory(*facts.Direct), skbs, make([]byte, size)}
}

// sight is an sk_buff: where its headers are set to be, and which of the frame's bytes are
// in the linear part.
type sight struct {
	mac, network uint16
	protocol     uint16 // in the order of the network
	linear       int
}

// own is how a frame lies that was received; made is one whose link header was never made.
func own(frame []byte) sight {
	return sight{mac: headroom, network: headroom + linkHeader, linear: len(frame)}
}

func made(frame []byte) sight {
	s := sight{mac: unset, network: headroom + linkHeader, linear: len(frame)}
	if len(frame) >= linkHeader {
		s.protocol = binary.NativeEndian.Uint16(frame[typeOffset:])
	}
	return s
}

// fresh is one whose sk_buff does not tell the Ethertype yet.
func fresh(frame []byte) sight {
	s := made(frame)
	s.protocol = 0
	return s
}

// cut is one of which a part is in the linear part.
func cut(frame []byte) sight {
	s := own(frame)
	s.linear = min(len(frame), linkHeader+22)
	return s
}

// withoutAddresses is the frame with the header that is made up.
func withoutAddresses(frame []byte) []byte {
	seen := slices.Clone(frame)
	clear(seen[:min(len(seen), typeOffset)])
	return seen
}

// etherType is 0 where there is none.
func etherType(frame []byte) int {
	if len(frame) < linkHeader {
		return 0
	}
	return int(binary.BigEndian.Uint16(frame[typeOffset:]))
}

// show makes the frame the one that a glance sees.
func (l *glanceLab) show(tb testing.TB, frame []byte, s sight) {
	tb.Helper()
	m := l.memory
	clear(l.value[:skbRoom])
	binary.NativeEndian.PutUint16(l.value[m.MacHeader:], s.mac)
	binary.NativeEndian.PutUint16(l.value[m.NetworkHeader:], s.network)
	binary.NativeEndian.PutUint16(l.value[m.Protocol:], s.protocol)
	binary.NativeEndian.PutUint32(l.value[m.Tail:], uint32(headroom+s.linear))
	n := copy(l.value[skbRoom+headroom:], frame)
	if s.mac == unset { // what lies there is not the packet's
		copy(l.value[skbRoom+headroom:][:min(n, linkHeader)], bytes.Repeat([]byte{0xee}, linkHeader))
	}
	for i := range packetSize {
		l.value[skbRoom+headroom+n+i] = byte(0xa5 + i)
	}
	if err := l.skbs.Put(uint32(0), l.value); err != nil {
		tb.Fatal(err)
	}
}

// load puts a glance into the kernel, with a caller that makes numbers of addresses: it
// stores them, and has the helper copy them.
func (l *glanceLab) load(tb testing.TB, body asm.Instructions) *ebpf.Program {
	tb.Helper()
	insns := asm.Instructions{
		asm.LoadMapValue(asm.R6, l.skbs.FD(), 0).WithSymbol("caller"),
		asm.StoreMem(asm.R10, -8, asm.R6, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, -16),
		asm.Mov.Imm(asm.R2, 8),
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, -8),
		asm.FnProbeReadKernel.Call(),
		asm.LoadMem(asm.R1, asm.R10, -16, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Add.Imm(asm.R2, skbRoom),
		asm.StoreMem(asm.R6, l.memory.Head, asm.R2, asm.DWord),
		asm.Call.Label("glance"),
		asm.Return(),
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "glances", Type: ebpf.SchedCLS, License: "GPL", Instructions: append(insns, function("glance", body)...),
	})
	if err != nil {
		tb.Fatalf("%+v\n%s", err, body)
	}
	tb.Cleanup(func() { prog.Close() })
	return prog
}

// TestGlance: whatever a glance is sure of, libpcap says too, of all expressions on all frames;
// and where a frame is linear, it is sure of all that do not match.
func TestGlance(t *testing.T) {
	l := newGlanceLab(t)
	sure, unsure, blind := 0, 0, 0
	type looker struct {
		expr    string
		classic []bpf.RawInstruction
		prog    *ebpf.Program
	}
	var lookers []looker
	for _, e := range readExpectations(t) {
		if !e.ok() {
			continue
		}
		p, err := Compile(e.expr)
		if err != nil {
			t.Fatal(err)
		}
		body := p.Glance(l.memory)
		if body == nil {
			blind++
			continue
		}
		classic, err := bpf.Assemble(p.Classic)
		if err != nil {
			t.Fatal(err)
		}
		lookers = append(lookers, looker{e.expr, classic, l.load(t, body)})
	}
	for _, frame := range wholeFrames() {
		ip := slices.Contains([]int{typeIPv4, typeIPv6}, etherType(frame))
		for name, s := range map[string]sight{"own": own(frame), "made": made(frame), "fresh": fresh(frame), "cut": cut(frame)} {
			if name == "fresh" && !ip {
				continue // it would be another frame: the type comes from the IP version
			}
			l.show(t, frame, s)
			seen := frame
			if s.mac == unset {
				seen = withoutAddresses(frame)
			}
			for _, k := range lookers {
				no := verdict(t, k.prog)
				match := libpcap.Match(k.classic, seen, len(seen))
				switch {
				case no && match:
					t.Errorf("%s, %s: surely not, of a frame that matches: % x", k.expr, name, frame[:min(len(frame), 160)])
				case no:
					sure++
				case !match && name != "cut":
					unsure++
				}
			}
		}
	}
	t.Logf("%d expressions, %d without a glance: sure of %d that do not match, unsure of %d", len(lookers), blind, sure, unsure)
	if unsure*20 > sure {
		t.Errorf("unsure of %d that do not match, sure of %d", unsure, sure)
	}
}

// TestGlanceAtWhatItCantSee: what a glance may not be sure of.
func TestGlanceAtWhatItCantSee(t *testing.T) {
	l := newGlanceLab(t)
	frame := frame(typeIPv4, ip4(protoUDP, udp(53, 53, pattern(64))))
	glances := map[string]*ebpf.Program{}
	for _, expr := range []string{"icmp", "udp port 53"} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		glances[expr] = l.load(t, p.Glance(l.memory))
	}
	for name, test := range map[string]struct {
		sight
		sure bool
		// nothing: there is no packet to be seen, so that nothing matches.
		nothing bool
	}{
		"received":               {own(frame), true, false},
		"locally made":           {made(frame), true, false},
		"without a protocol":     {fresh(frame), true, false},
		"mostly in fragments":    {sight{mac: headroom, network: headroom + linkHeader, linear: 20}, false, false},
		"without headers":        {sight{mac: unset, network: unset, linear: len(frame)}, true, true},
		"network header at 0":    {sight{mac: unset, linear: len(frame)}, true, true},
		"just received":          {sight{mac: headroom, linear: len(frame)}, true, false},
		"stale network header":   {sight{mac: headroom, network: headroom - 8, linear: len(frame)}, true, false},
		"one tag between":        {sight{mac: headroom, network: headroom + linkHeader + 4, linear: len(frame)}, true, false},
		"two tags between":       {sight{mac: headroom, network: headroom + linkHeader + 8, linear: len(frame)}, true, false},
		"stale mac header":       {sight{mac: headroom - 30, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame)}, true, false},
		"inside of a tunnel":     {sight{mac: headroom + linkHeader, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame)}, true, false},
		"nothing behind headers": {sight{mac: headroom, network: headroom + linkHeader, linear: 0}, true, true},
		"made of nothing":        {sight{mac: unset, network: headroom + linkHeader, protocol: 0x0008, linear: linkHeader}, true, true},
	} {
		l.show(t, frame, test.sight)
		if sure := verdict(t, glances["icmp"]); sure != test.sure {
			t.Errorf("%s: sure that it is no ICMP: %v", name, sure)
		}
		if sure := verdict(t, glances["udp port 53"]); sure != test.nothing {
			t.Errorf("%s: sure that it is not what it is: %v", name, sure)
		}
	}
}

// TestGlanceOfAnyProgram: random programs, as in FuzzClassic.
func TestGlanceOfAnyProgram(t *testing.T) {
	l := newGlanceLab(t)
	frames := wholeFrames()
	seen, sure := 0, 0
	for seed := uint64(0); seen < 300; seed++ {
		random := rand.New(rand.NewPCG(seed, 1))
		classic := randomProgram(random, 1+random.IntN(12))
		body, err := glance(classic, l.memory)
		if err != nil {
			continue
		}
		seen++
		raw, err := bpf.Assemble(classic)
		if err != nil {
			t.Fatal(err)
		}
		prog := l.load(t, body)
		for range 8 {
			frame := frames[random.IntN(len(frames))]
			l.show(t, frame, own(frame))
			no := verdict(t, prog)
			if no && libpcap.Match(raw, frame, len(frame)) {
				t.Fatalf("seed %d: surely not, of a frame that matches: % x\n%s", seed, frame[:min(len(frame), 160)], body)
			}
			if no {
				sure++
			}
		}
		prog.Close()
	}
	t.Logf("%d programs, sure of %d frames", seen, sure)
	if sure == 0 {
		t.Error("never sure")
	}
}

// TestNoGlance: what can't be seen so.
func TestNoGlance(t *testing.T) {
	for _, expr := range []string{"vlan 5", "len > 100", "greater 100", "ether host 00:11:22:33:44:55", "ether[0] & 1 != 0"} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.Glance(Memory{Length: 126}) != nil {
			t.Errorf("%s has a glance", expr)
		}
	}
}
