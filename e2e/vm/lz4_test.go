// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

func frame(blocks ...string) []byte {
	var b []byte
	for _, s := range blocks {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}

func TestLZ4Legacy(t *testing.T) {
	long := strings.Repeat("x", 15+255+3)
	tests := []struct {
		name   string
		packed []byte
		want   string
	}{
		{"nothing", nil, ""},
		{"literals", frame("\x50hello"), "hello"},
		{"match", frame("\x31abc\x03\x00\x00"), "abcabcab"},
		{"overlap", frame("\x10a\x01\x00\x00"), "aaaaa"},
		{"long literals", frame("\xf0\xff\x03" + long), long},
		{"long match", frame("\x1fa\x01\x00\x02\x00"), strings.Repeat("a", 1+15+2+4)},
		{"two blocks", frame("\x20hi", "\x10!"), "hi!"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := lz4Legacy(tt.packed)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func FuzzLZ4Legacy(f *testing.F) {
	f.Add(frame("\x31abc\x03\x00\x00"))
	f.Add(frame("\xf0\xff"))
	f.Add(frame("\x11a\x09\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := lz4Legacy(b)
		if err != nil && out != nil {
			t.Error("both an error and data")
		}
		if len(out) > 0 && bytes.Equal(b, nil) {
			t.Error("data from empty input")
		}
	})
}
