// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"
)

// TestEveryEventIsCountedOnce checks that each event that matched was delivered, suppressed by the limit,
// or lost.
func TestEveryEventIsCountedOnce(t *testing.T) {
	p, o := tracepointPlan(t)
	p.BPF.Config.MaxPerSecond = 3
	s := open(t, p, o)
	defer s.Close()
	run(t, s, true)
	for range 20 {
		sendAndCount(t, s)
	}
	run(t, s, false)
	counts, err := s.Counts()
	if err != nil {
		t.Fatal(err)
	}
	var matched, suppressed, lost uint64
	for _, c := range counts {
		matched, suppressed, lost = matched+c.Matched, suppressed+c.Suppressed, lost+c.Lost
	}
	if n := delivered(t, s); matched != n+suppressed+lost || n == 0 || suppressed < 10 {
		t.Errorf("matched %d, delivered %d, suppressed %d, lost %d", matched, n, suppressed, lost)
	}
}

// delivered counts the records in the ring.
func delivered(t *testing.T, s *Session) (n uint64) {
	t.Helper()
	reader, err := ringbuf.NewReader(s.Events())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reader.SetDeadline(time.Now())
	for ; ; n++ {
		if _, err := reader.Read(); errors.Is(err, os.ErrDeadlineExceeded) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
