// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestWay checks the paths of namespaces, and that an answer is kept for a short time only.
func TestWay(t *testing.T) {
	n, h := ktest.NewNetns(t, "way"), newHost(t, "none")
	if path, ok := h.Way(n.Inode); !ok || path != n.Path {
		t.Errorf("%q, %v, want %s", path, ok, n.Path)
	}
	for _, netns := range []uint32{0, 1} {
		if path, ok := h.Way(netns); ok {
			t.Errorf("namespace %d: %q", netns, path)
		}
	}
	h.namespaces[n.Inode].way.path = "kept"
	if path, _ := h.Way(n.Inode); path != "kept" {
		t.Errorf("looked again at once: %q", path)
	}
	h.namespaces[n.Inode].way.at = time.Now().Add(-wayPause)
	if path, _ := h.Way(n.Inode); path != n.Path {
		t.Errorf("kept for ever: %q", path)
	}
	h.Close()
	if path, ok := h.Way(n.Inode); ok {
		t.Errorf("after the end: %q", path)
	}
}
