// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// version returns a table with the same handles, but other rules, in each version.
func version(n int64) string {
	return fmt.Sprintf("add table inet t\ndelete table inet t\ntable inet t {\nset s { type inet_service; }\nchain c {\ntype filter hook input priority 0;\ntcp dport { %d, %d } drop comment \"%d\"\n}\n}\n", n, n+1, n)
}

// TestChangingRuleset checks that answers about a table that is replaced continuously are certain only if they are about
// the version at the time of the drop.
func TestChangingRuleset(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-changing")
	load(t, n, version(1))
	key := keyOf(t, n, "t", "1")
	var begun, done atomic.Int64
	begun.Store(1)
	done.Store(1)
	end := make(chan struct{})
	changed := make(chan error, 1)
	go func() {
		for {
			select {
			case <-end:
				changed <- nil
				return
			default:
			}
			if err := tryLoad(n, version(begun.Add(1))); err != nil {
				changed <- err
				return
			}
			done.Store(begun.Load())
		}
	}()
	certain, answers := 0, 0
	for _, nft := range []string{"none", needs(t, "nft")} {
		h := newHost(t, nft)
		for stop := time.Now().Add(time.Second); time.Now().Before(stop); {
			first := done.Load()
			key.At = time.Now()
			last := begun.Load()
			text, ok := h.Rule(n.Inode, key)
			if !ok || text.Gone {
				time.Sleep(time.Millisecond)
				continue
			}
			answers++
			got, err := strconv.ParseInt(text.Comment, 10, 64)
			if want := fmt.Sprintf("tcp dport { %d, %d } drop comment %q", got, got+1, text.Comment); err != nil || text.Text != want && !text.Partial {
				t.Fatalf("%+v: parts of two versions", text)
			}
			if text.Certain {
				certain++
			}
			if text.Certain && (got < first || got > last) {
				t.Errorf("version %d at a drop in version %d to %d", got, first, last)
			}
		}
	}
	close(end)
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d versions, %d answers, %d certain", done.Load(), answers, certain)
	if answers < 3 || done.Load() < 3 {
		t.Errorf("%d answers, %d versions", answers, done.Load())
	}
}

// TestCertainLegacyTable checks that a rule is certain only if its table was read before the drop and after it, with room for
// the error of the clocks.
func TestCertainLegacyTable(t *testing.T) {
	drop := time.Now()
	far, near := 10*clockSlack, clockSlack/2
	for name, test := range map[string]struct {
		since, read time.Time
		at          time.Time
		want        bool
	}{
		"read before and after":   {drop.Add(-far), drop.Add(far), drop, true},
		"read only before":        {drop.Add(-far), drop.Add(-far), drop, false},
		"read only after":         {drop.Add(far), drop.Add(far), drop, false},
		"read immediately before": {drop.Add(-near), drop.Add(far), drop, false},
		"read immediately after":  {drop.Add(-far), drop.Add(near), drop, false},
		"unknown time":            {drop.Add(-far), drop.Add(far), time.Time{}, false},
	} {
		if got := (&legacyTable{since: test.since, read: test.read}).isCertain(test.at); got != test.want {
			t.Errorf("%s: certain %v", name, got)
		}
	}
}

// TestRefreshAfterDrop checks that the ruleset is read again unless that was certainly done after the drop.
func TestRefreshAfterDrop(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-refresh")
	h := newHost(t, "none")
	ns, err := h.enter(n.Inode)
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.refresh(time.Time{}, h.deadline()); err != nil {
		t.Fatal(err)
	}
	for since, want := range map[time.Duration]bool{10 * clockSlack: false, clockSlack / 2: true, -clockSlack: true} {
		before := ns.rules.checked
		if err := ns.refresh(before.Add(-since), h.deadline()); err != nil {
			t.Fatal(err)
		}
		if isRead := ns.rules.checked != before; isRead != want {
			t.Errorf("read %v after the drop: read again %v", since, isRead)
		}
	}
}
