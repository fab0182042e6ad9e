// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/ktest"
)

// lab runs the program of a tracepoint on frames.
type lab struct {
	*ktest.SkbLab
	decoder *Decoder
}

// newLab returns a lab whose program reads memory directly with the cast, or with a helper if it is zero.
func newLab(t *testing.T, cast asm.Instruction) lab {
	t.Helper()
	config := bpf.Config{Tuple: true, Tunnel: true, Direct: cast.OpCode != 0}
	config.VxlanPorts = [len(config.VxlanPorts)]uint16{4789, 4790}
	config.GenevePorts[0] = 6081
	spec, _, err := bpf.ReadObject().Collection(bpf.Spec{
		Config: config, Bodies: bpf.Bodies{Cast: cast}, RingSize: 1 << 16,
		Programs: []bpf.Program{{Name: "frame", Template: bpf.TracepointTemplate, Tracepoint: &bpf.TracepointParams{Location: -1, Reason: -1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return lab{ktest.NewSkbLab(t, spec, "frame"), NewDecoder(LayoutOf(config))}
}

// look returns the event for a received frame.
func (l lab) look(t *testing.T, frame []byte) *event.Event {
	t.Helper()
	state := ktest.Received(ktest.InMemory(frame), len(frame))
	if len(frame) >= 14 {
		state.Protocol = binary.BigEndian.Uint16(frame[12:])
	}
	e, err := l.decoder.Decode(l.Look(t, state))
	if err != nil {
		t.Fatalf("% x: %v", frame, err)
	}
	return e
}
