// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	if !p.due(now) {
		t.Error("the first question is not due")
	}
	p.took(now.Add(-time.Second), time.Millisecond)
	if p.due(now.Add(8*time.Second)) || !p.due(now.Add(20*time.Second)) {
		t.Errorf("after a question of a second: due at %v", p.next.Sub(now))
	}
	p.took(now, time.Hour)
	if p.due(now.Add(59*time.Minute)) || !p.due(now.Add(2*time.Hour)) {
		t.Errorf("with a shortest pause of an hour: due at %v", p.next.Sub(now))
	}
}
