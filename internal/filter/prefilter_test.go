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

	"tracer/internal/ktest"
	"tracer/internal/rdonly"
	"tracer/libpcap"
)

// The prefilter runs on an sk_buff that the test builds in a map value, with the offsets of the running
// kernel and the frame after it.

const (
	skbRoom  = 1024
	headroom = 64
)

type prefilterLab struct {
	*lab
	memory  rdonly.Cast
	skbs    *ebpf.Map
	address uint64 // of the sk_buff
	value   []byte
}

// newPrefilterLab skips the test if programs can't load kernel memory directly.
func newPrefilterLab(tb testing.TB) *prefilterLab {
	tb.Helper()
	l := newLab(tb)
	memory := *ktest.Direct(tb)
	const size = skbRoom + headroom + maxFrame + packetSize
	skbs := ktest.OneValue(tb, size)
	return &prefilterLab{l, memory, skbs, ktest.ValueAddress(tb, skbs), make([]byte, size)}
}

// skbLayout is an sk_buff: the offsets of its headers, and how many bytes of the frame are in the linear part.
type skbLayout struct {
	mac, network uint16
	protocol     uint16 // in network byte order
	linear       int
	data         uint64 // offset of skb->data
}

// received is the sk_buff of a received frame, with its own link header.
func received(frame []byte) skbLayout {
	return skbLayout{mac: headroom, network: headroom + linkHeader, linear: len(frame)}
}

// sent is the sk_buff of a packet to send, which has no link header yet.
func sent(frame []byte) skbLayout {
	s := skbLayout{mac: unset, network: headroom + linkHeader, linear: len(frame)}
	if len(frame) >= linkHeader {
		s.protocol = binary.NativeEndian.Uint16(frame[typeOffset:])
	}
	return s
}

// sentWithoutProtocol is sent with skb->protocol not set yet.
func sentWithoutProtocol(frame []byte) skbLayout {
	s := sent(frame)
	s.protocol = 0
	return s
}

// cut is the sk_buff of a received frame of which only 36 bytes are in the linear part.
func cut(frame []byte) skbLayout {
	s := received(frame)
	s.linear = min(len(frame), linkHeader+22)
	return s
}

// withoutAddresses returns the frame with a made-up link header, whose MAC addresses are zero.
func withoutAddresses(frame []byte) []byte {
	seen := slices.Clone(frame)
	clear(seen[:min(len(seen), typeOffset)])
	return seen
}

// etherType returns the Ethertype of a frame, or 0 if the frame is too short.
func etherType(frame []byte) int {
	if len(frame) < linkHeader {
		return 0
	}
	return int(binary.BigEndian.Uint16(frame[typeOffset:]))
}

// encapsulated is the sk_buff of a tunnel's outer packet whose mac_header is still that of the inner frame.
func encapsulated(frame []byte) skbLayout {
	s := sent(frame)
	s.mac, s.data = headroom+linkHeader+50, uint64(s.network)
	return s
}

// shimmed is the sk_buff of a received frame with 4 to 32 bytes between Ethernet header and network
// header, as with one to eight VLAN tags.
func shimmed(frame []byte) skbLayout {
	s := received(frame)
	s.network += 4 * (1 + uint16(len(frame)%8))
	return s
}

// outer reports whether the prefilter uses a made-up link header.
func (s skbLayout) outer() bool {
	received := s.network == 0 || s.data == uint64(s.mac)+linkHeader
	return s.mac == unset || s.mac > s.network && !received
}

// show writes the frame and its sk_buff into the map value that the prefilter reads.
func (l *prefilterLab) show(tb testing.TB, frame []byte, s skbLayout) {
	tb.Helper()
	m := l.memory
	clear(l.value[:skbRoom])
	binary.NativeEndian.PutUint16(l.value[m.MacHeader:], s.mac)
	binary.NativeEndian.PutUint16(l.value[m.NetworkHeader:], s.network)
	binary.NativeEndian.PutUint16(l.value[m.Protocol:], s.protocol)
	binary.NativeEndian.PutUint32(l.value[m.Tail:], uint32(headroom+s.linear))
	head := l.address + skbRoom
	binary.NativeEndian.PutUint64(l.value[m.Head:], head)
	binary.NativeEndian.PutUint64(l.value[m.Data:], head+s.data)
	n := copy(l.value[skbRoom+headroom:], frame)
	if s.outer() { // the bytes in place of the link header are not part of the packet
		copy(l.value[skbRoom+headroom:][:min(n, linkHeader)], bytes.Repeat([]byte{0xee}, linkHeader))
	}
	for i := range packetSize {
		l.value[skbRoom+headroom+n+i] = byte(0xa5 + i)
	}
	if err := l.skbs.Put(uint32(0), l.value); err != nil {
		tb.Fatal(err)
	}
}

// load loads a prefilter, with a caller that passes the address of the sk_buff as a number.
func (l *prefilterLab) load(tb testing.TB, body asm.Instructions) *ebpf.Program {
	tb.Helper()
	insns := asm.Instructions{
		asm.LoadImm(asm.R1, int64(l.address), asm.DWord).WithSymbol("caller"),
		asm.Call.Label("prefilter"),
		asm.Return(),
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "prefilters", Type: ebpf.SchedCLS, License: "GPL", Instructions: append(insns, function("prefilter", body)...),
	})
	if err != nil {
		tb.Fatalf("%+v\n%s", err, body)
	}
	tb.Cleanup(func() { prog.Close() })
	return prog
}

// prefilter runs the program and returns its result.
func (l *prefilterLab) prefilter(tb testing.TB, prog *ebpf.Program) uint32 {
	tb.Helper()
	got, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, linkHeader)})
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// TestPrefilter checks all expressions on all frames: if the prefilter decides, libpcap has the same verdict,
// and it decides nearly all frames that are linear.
func TestPrefilter(t *testing.T) {
	l := newPrefilterLab(t)
	decided, undecided, without := 0, 0, 0
	type compiled struct {
		expr    string
		classic []bpf.RawInstruction
		prog    *ebpf.Program
	}
	var prefilters []compiled
	for _, e := range append(readExpectations(t), expectation{expr: longHosts(100)}) {
		if !e.ok() {
			continue
		}
		p, err := Compile(e.expr)
		if err != nil {
			t.Fatal(err)
		}
		body := p.Prefilter(l.memory)
		if body == nil {
			without++
			continue
		}
		classic, err := bpf.Assemble(p.Classic)
		if err != nil {
			t.Fatal(err)
		}
		prefilters = append(prefilters, compiled{e.expr, classic, l.load(t, body)})
	}
	for _, frame := range wholeFrames() {
		ip := slices.Contains([]int{typeIPv4, typeIPv6}, etherType(frame))
		for name, s := range map[string]skbLayout{"received": received(frame), "sent": sent(frame), "sent without protocol": sentWithoutProtocol(frame), "cut": cut(frame), "encapsulated": encapsulated(frame), "shimmed": shimmed(frame)} {
			if (name == "sent without protocol" || name == "encapsulated") && !ip {
				continue // the Ethertype comes from the IP version, so these would be other frames
			}
			if name == "shimmed" && slices.Contains(direct, uint16(etherType(frame))) {
				continue // the MAC header would be stale
			}
			l.show(t, frame, s)
			seen := frame
			if s.outer() {
				seen = withoutAddresses(frame)
			}
			for _, k := range prefilters {
				got := l.prefilter(t, k.prog)
				match := libpcap.Match(k.classic, seen, len(seen))
				switch {
				case got == prefilterReject && match, got == prefilterMatch && !match:
					t.Errorf("%s, %s: result %d, libpcap matches: %v: % x", k.expr, name, got, match, frame[:min(len(frame), 160)])
				case got != prefilterUnknown:
					decided++
				case name != "cut":
					undecided++
				}
			}
		}
	}
	t.Logf("%d expressions, %d without a prefilter: %d decided, %d undecided", len(prefilters), without, decided, undecided)
	if undecided*20 > decided {
		t.Errorf("%d undecided, %d decided", undecided, decided)
	}
}

// TestPrefilterByHeaderPosition checks the result for each position of the headers, including those that the
// prefilter must leave undecided.
func TestPrefilterByHeaderPosition(t *testing.T) {
	l := newPrefilterLab(t)
	frame := frame(typeIPv4, ip4(protoUDP, udp(53, 53, pattern(64))))
	prefilters := map[string]*ebpf.Program{}
	for _, expr := range []string{"icmp", "udp port 53"} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		prefilters[expr] = l.load(t, p.Prefilter(l.memory))
	}
	for name, test := range map[string]struct {
		skbLayout
		// foreign is the result for an expression that the packet does not match, own the result for one
		// that it matches. Without a packet in the linear part, nothing matches.
		foreign, own uint32
	}{
		"received":                {received(frame), prefilterReject, prefilterMatch},
		"locally sent":            {sent(frame), prefilterReject, prefilterMatch},
		"without a protocol":      {sentWithoutProtocol(frame), prefilterReject, prefilterMatch},
		"headers in fragments":    {skbLayout{mac: headroom, network: headroom + linkHeader, linear: 20}, prefilterUnknown, prefilterUnknown},
		"without headers":         {skbLayout{mac: unset, network: unset, linear: len(frame)}, prefilterReject, prefilterReject},
		"network header at 0":     {skbLayout{mac: unset, linear: len(frame)}, prefilterReject, prefilterReject},
		"just received":           {skbLayout{mac: headroom, linear: len(frame)}, prefilterReject, prefilterMatch},
		"stale network header":    {skbLayout{mac: headroom, network: headroom - 8, linear: len(frame), data: headroom + linkHeader}, prefilterReject, prefilterMatch},
		"encapsulated":            {skbLayout{mac: headroom + 40, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame), data: headroom + linkHeader}, prefilterReject, prefilterMatch},
		"with another protocol":   {skbLayout{mac: headroom + 40, network: headroom + linkHeader, protocol: 0xdd86, linear: len(frame), data: headroom + linkHeader}, prefilterUnknown, prefilterUnknown},
		"header pushed":           {skbLayout{mac: headroom + 40, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame), data: headroom}, prefilterReject, prefilterMatch},
		"headers pulled":          {skbLayout{mac: headroom + 40, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame), data: headroom + 40}, prefilterReject, prefilterMatch},
		"space for IPsec":         {skbLayout{mac: headroom + linkHeader + 9, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame), data: headroom + 60}, prefilterUnknown, prefilterUnknown},
		"no tag in 4 bytes":       {skbLayout{mac: headroom, network: headroom + linkHeader + 4, linear: len(frame)}, prefilterUnknown, prefilterUnknown},
		"no tag in 8 bytes":       {skbLayout{mac: headroom, network: headroom + linkHeader + 8, linear: len(frame)}, prefilterUnknown, prefilterUnknown},
		"no tags in 32 bytes":     {skbLayout{mac: headroom, network: headroom + linkHeader + 32, linear: len(frame)}, prefilterUnknown, prefilterUnknown},
		"more than eight tags":    {skbLayout{mac: headroom - 36, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame)}, prefilterReject, prefilterMatch},
		"stale mac header":        {skbLayout{mac: headroom - 30, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame)}, prefilterReject, prefilterMatch},
		"inside of a tunnel":      {skbLayout{mac: headroom + linkHeader, network: headroom + linkHeader, protocol: 0x0008, linear: len(frame)}, prefilterReject, prefilterMatch},
		"received, no bytes":      {skbLayout{mac: headroom, network: headroom + linkHeader, linear: 0}, prefilterReject, prefilterReject},
		"sent, linear part empty": {skbLayout{mac: unset, network: headroom + linkHeader, protocol: 0x0008, linear: linkHeader}, prefilterReject, prefilterReject},
	} {
		l.show(t, frame, test.skbLayout)
		if got := l.prefilter(t, prefilters["icmp"]); got != test.foreign {
			t.Errorf("%s: result %d for icmp, want %d", name, got, test.foreign)
		}
		if got := l.prefilter(t, prefilters["udp port 53"]); got != test.own {
			t.Errorf("%s: result %d for udp port 53, want %d", name, got, test.own)
		}
	}
}

// TestPrefilterOfAnyProgram checks prefilters of random programs, as in FuzzClassic.
func TestPrefilterOfAnyProgram(t *testing.T) {
	l := newPrefilterLab(t)
	frames := wholeFrames()
	seen, decided := 0, 0
	for seed := uint64(0); seen < 300; seed++ {
		random := rand.New(rand.NewPCG(seed, 1))
		classic := randomProgram(random, 1+random.IntN(12))
		body, err := prefilter(classic, &skbReader{l.memory})
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
			l.show(t, frame, received(frame))
			got, match := l.prefilter(t, prog), libpcap.Match(raw, frame, len(frame))
			if got == prefilterReject && match || got == prefilterMatch && !match {
				t.Fatalf("seed %d: result %d, libpcap matches: %v: % x\n%s", seed, got, match, frame[:min(len(frame), 160)], body)
			}
			if got != prefilterUnknown {
				decided++
			}
		}
		prog.Close()
	}
	t.Logf("%d programs, %d frames decided", seen, decided)
	if decided == 0 {
		t.Error("no frame was decided")
	}
}

// TestNoPrefilter checks that expressions on length, VLAN tags and Ethernet addresses have no prefilter.
func TestNoPrefilter(t *testing.T) {
	for _, expr := range []string{"vlan 5", "len > 100", "greater 100", "ether host 00:11:22:33:44:55", "ether[0] & 1 != 0"} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.Prefilter(rdonly.Cast{Length: 126}) != nil {
			t.Errorf("%s has a prefilter", expr)
		}
	}
}
