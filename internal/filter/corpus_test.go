// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"testing"

	"tracer/internal/ktest"
)

// TestSharedCorpusHasAllFrames checks that the list of frames for the tests of other packages has all
// frames of this package.
func TestSharedCorpusHasAllFrames(t *testing.T) {
	listed := map[string]bool{}
	for _, f := range ktest.Frames(t) {
		listed[string(f.Bytes)] = true
	}
	for _, frame := range wholeFrames() {
		if frame = frame[:min(len(frame), ktest.MaxFrame)]; !listed[string(frame)] {
			t.Errorf("internal/ktest/testdata/frames.txt lacks a line: %x NAME", frame)
		}
	}
}
