// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/bpf"
	"tracer/internal/ktest"
)

// snapped is the number of bytes that the programs of this test record.
const snapped = 64

// newBytesLab returns a lab whose records have only the first bytes of the packet.
func newBytesLab(t *testing.T, cast asm.Instruction) lab {
	t.Helper()
	config := bpf.Config{PacketSize: bpf.PacketSize(snapped), Direct: cast.OpCode != 0}
	spec, _, err := bpf.ReadObject().Collection(bpf.Spec{
		Config: config, Bodies: bpf.Bodies{Cast: cast}, RingSize: 1 << 16,
		Programs: []bpf.Program{{Name: "frame", Template: bpf.TracepointTemplate, Tracepoint: &bpf.TracepointParams{Location: -1, Reason: -1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return lab{ktest.NewSkbLab(t, spec, "frame"), NewDecoder(LayoutOf(config))}
}

// TestBytes checks that records have the first bytes of frames that are shorter and longer than what is recorded.
func TestBytes(t *testing.T) {
	ktest.Root(t)
	for name, cast := range map[string]asm.Instruction{"by helper": {}, "directly": ktest.Direct(t).Call()} {
		l := newBytesLab(t, cast)
		for _, size := range []int{14, 20, snapped - 1, snapped, snapped + 1, 1500} {
			frame := make([]byte, size)
			for i := range frame {
				frame[i] = byte(i + 1)
			}
			frame[12], frame[13] = 8, 0
			b := l.look(t, frame).Bytes
			if b == nil || b.Type != 0 || int(b.Len) != size || !bytes.Equal(b.Data, frame[:min(size, snapped)]) {
				t.Errorf("%s, frame of %d bytes: %+v", name, size, b)
			}
		}
	}
}

// TestNoBytes checks that records have no bytes if none are requested.
func TestNoBytes(t *testing.T) {
	ktest.Root(t)
	if e := newLab(t, asm.Instruction{}).look(t, make([]byte, 60)); e.Bytes != nil {
		t.Errorf("%+v", e.Bytes)
	}
}

// TestDecodeBytes checks that a part with a wrong size has no bytes.
func TestDecodeBytes(t *testing.T) {
	raw := make([]byte, 24)
	for size, want := range map[byte]bool{0: false, 1: true, 8: true, 9: false, 255: false} {
		binary.NativeEndian.PutUint16(raw[4:], uint16(size))
		if d := NewDecoder(Layout{}); (decodeBytes(raw, &d.sections.bytes) != nil) != want {
			t.Errorf("size %d: decoded %t, want %t", size, !want, want)
		}
	}
	if d := NewDecoder(Layout{}); decodeBytes(raw[:8], &d.sections.bytes) != nil {
		t.Error("decoded a part without its header")
	}
}
