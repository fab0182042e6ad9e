// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	_ "embed"
	"encoding/hex"
	"strings"
	"testing"
)

// MaxFrame is the maximum number of bytes of a frame in the list.
const MaxFrame = 300

// Frame is an Ethernet frame, or the beginning of a long one.
type Frame struct {
	Name  string
	Bytes []byte
}

//go:embed testdata/frames.txt
var frames string

// Frames returns frames of ordinary traffic, and crafted ones with truncated tags, many tags, extension
// headers, and lengths instead of an Ethertype.
func Frames(t testing.TB) []Frame {
	t.Helper()
	var list []Frame
	for line := range strings.Lines(frames) {
		digits, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		bytes, err := hex.DecodeString(digits)
		if !ok || err != nil {
			t.Fatalf("line %q is not a frame: %v", line, err)
		}
		list = append(list, Frame{name, bytes})
	}
	return list
}
