// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"tracer/internal/ktest"
)

// maxCut limits the length of truncated frames: in the test frames, no header ends beyond it.
const maxCut = 200

// afterEnd returns memory with the first bytes of a frame, and different contents after its end: the rest of the
// frame, which a parser could take for headers, or other bytes.
func afterEnd(frame []byte, length int) map[string][]byte {
	return map[string][]byte{
		"the rest of the frame": ktest.InMemory(frame),
		"other bytes":           ktest.InMemory(frame[:length]),
	}
}

// states returns the sk_buffs of a received frame, of a packet that is sent and has no link header yet, and of a packet
// whose skb->mac_header still points to the frame inside it.
func states(frame, memory []byte, length int) map[string]ktest.SkbState {
	received := ktest.Received(memory, length)
	list := map[string]ktest.SkbState{"received": received}
	if len(frame) < 14 {
		return list
	}
	sent := received.Sent(binary.BigEndian.Uint16(frame[12:]))
	encapsulated := sent
	encapsulated.Mac = packetOffset + 14 + 50
	list["sent"], list["encapsulated"] = sent, encapsulated
	return list
}

// TestTruncatedFrames truncates every frame at every length. It checks that the event does not depend on the memory
// after the end, and that it has the same values as that of the whole frame, or fewer.
func TestTruncatedFrames(t *testing.T) {
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		cuts := 0
		for _, frame := range ktest.Frames(t) {
			for state, whole := range states(frame.Bytes, ktest.InMemory(frame.Bytes), len(frame.Bytes)) {
				all := l.look(t, whole)
				for length := range min(len(frame.Bytes), maxCut) {
					cut := l.cut(t, frame, state, length)
					if cut != nil && !cut.within(all) {
						t.Errorf("%s, %s, cut at %d: %+v is no part of %+v", frame.Name, state, length, *cut, *all)
					}
					cuts++
				}
			}
		}
		t.Logf("%d truncated frames", cuts)
	})
}

// cut returns the event of a truncated frame. It checks that the event does not depend on the memory after the end.
func (l skbLab) cut(t *testing.T, frame ktest.Frame, state string, length int) *seen {
	t.Helper()
	var first *seen
	var name string
	for fill, memory := range afterEnd(frame.Bytes, length) {
		s := l.look(t, states(frame.Bytes, memory, length)[state])
		switch {
		case s == nil:
			t.Fatalf("%s, %s: no event", frame.Name, state)
		case first == nil:
			first, name = s, fill
		case *s != *first:
			t.Errorf("%s, %s, cut at %d: %+v before %s, %+v before %s", frame.Name, state, length, *first, name, *s, fill)
		}
	}
	return first
}

// within reports whether all values of s are those of the whole frame, or missing.
func (s *seen) within(whole *seen) bool {
	return s.Tuple.within(&whole.Tuple) && (s.Tunnel.Kind == 0 ||
		s.Tunnel.Kind == whole.Tunnel.Kind && s.Tunnel.Id == whole.Tunnel.Id && s.Tunnel.Tuple.within(&whole.Tunnel.Tuple))
}

// within does the same for a tuple. The protocol may differ: it is that of the last complete extension header.
func (t *tracerRecordTuple) within(whole *tracerRecordTuple) bool {
	source := t.Source[:]
	if t.Has&HasLLC != 0 { // the SNAP header may be truncated
		source = bytes.TrimRight(source, "\x00")
		source = slices.Concat(source, whole.Source[len(source):])
	}
	if t.Has&^whole.Has != 0 || !isPart(source, whole.Source[:]) || !isPart(t.Dest[:], whole.Dest[:]) {
		return false
	}
	extended := t.Has == 0 && (t.EtherType == typeIPv6 || t.EtherType == typeIPv4 && t.Protocol == protoAH)
	if !extended && t.Protocol != 0 && t.Protocol != whole.Protocol {
		return false
	}
	for _, field := range [][2]uint32{
		{uint32(t.SourcePort), uint32(whole.SourcePort)}, {uint32(t.DestPort), uint32(whole.DestPort)},
		{uint32(t.Vlan), uint32(whole.Vlan)}, {uint32(t.InnerVlan), uint32(whole.InnerVlan)},
		{uint32(t.IcmpType), uint32(whole.IcmpType)}, {uint32(t.IcmpCode), uint32(whole.IcmpCode)},
		{uint32(t.IcmpId), uint32(whole.IcmpId)}, {uint32(t.IcmpSeq), uint32(whole.IcmpSeq)},
		{t.TcpSeq, whole.TcpSeq}, {t.TcpAck, whole.TcpAck}, {uint32(t.TcpFlags), uint32(whole.TcpFlags)},
		{uint32(t.FragmentOffset), uint32(whole.FragmentOffset)}, {uint32(t.ArpOperation), uint32(whole.ArpOperation)},
	} {
		if field[0] != 0 && field[0] != field[1] {
			return false
		}
	}
	return true
}

// isPart reports whether an address is equal to the other one, or all zeros.
func isPart(address, whole []byte) bool {
	return bytes.Equal(address, whole) || bytes.Count(address, []byte{0}) == len(address)
}
