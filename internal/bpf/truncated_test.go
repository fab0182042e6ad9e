// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"tracer/internal/ktest"
)

// mostCut is the longest part of a frame that is looked at: no header of ours ends behind it.
const mostCut = 200

// behind are what the memory behind a frame's end is full of: the rest of the frame, which
// fits best, or another byte.
func behind(frame []byte, length int) map[string][]byte {
	return map[string][]byte{
		"the rest of it": ktest.InMemory(frame),
		"markers":        ktest.InMemory(frame[:length]),
	}
}

// states are the sk_buffs of a frame that was received, of one that is sent before it has a
// link header, and of one whose mac header is still that of the frame inside of it.
func states(frame, memory []byte, length int) map[string]ktest.SkbState {
	received := ktest.Received(memory, length)
	list := map[string]ktest.SkbState{"received": received}
	if len(frame) < 14 {
		return list
	}
	sent := received.Sent(binary.BigEndian.Uint16(frame[12:]))
	encapsulated := sent
	encapsulated.Mac = placed + 14 + 50
	list["sent"], list["encapsulated"] = sent, encapsulated
	return list
}

// TestTruncatedFrames cuts every frame at every length: what is shown does not depend on the
// memory behind the end, and is what the whole frame shows, or less.
func TestTruncatedFrames(t *testing.T) {
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		cuts := 0
		for _, frame := range ktest.Frames(t) {
			for state, whole := range states(frame.Bytes, ktest.InMemory(frame.Bytes), len(frame.Bytes)) {
				all := l.look(t, whole)
				for length := range min(len(frame.Bytes), mostCut) {
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

// cut is what a part of the frame shows, whatever lies behind.
func (l skbLab) cut(t *testing.T, frame ktest.Frame, state string, length int) *seen {
	t.Helper()
	var first *seen
	var name string
	for fill, memory := range behind(frame.Bytes, length) {
		s := l.look(t, states(frame.Bytes, memory, length)[state])
		switch {
		case s == nil:
			t.Fatalf("%s, %s: no event", frame.Name, state)
		case first == nil:
			first, name = s, fill
		case *s != *first:
			t.Errorf("%s, %s, cut at %d: %+v in front of %s, %+v in front of %s", frame.Name, state, length, *first, name, *s, fill)
		}
	}
	return first
}

// within says that s shows nothing that the whole does not.
func (s *seen) within(whole *seen) bool {
	return s.Tuple.within(&whole.Tuple) && (s.Tunnel.Kind == 0 ||
		s.Tunnel.Kind == whole.Tunnel.Kind && s.Tunnel.Id == whole.Tunnel.Id && s.Tunnel.Tuple.within(&whole.Tunnel.Tuple))
}

// within compares what is shown: the protocol is that of the last extension header that the
// frame has in full.
func (t *tracerRecordTuple) within(whole *tracerRecordTuple) bool {
	source := t.Source[:]
	if t.Has&HasLLC != 0 { // SNAP's header may be cut off
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

// isPart says that an address is the other, or none.
func isPart(address, whole []byte) bool {
	return bytes.Equal(address, whole) || bytes.Count(address, []byte{0}) == len(address)
}
