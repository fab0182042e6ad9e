// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"strings"

	"tracer/internal/event"
)

// drops counts printed drops by reason, benign ones separately.
type drops struct{ reasons, benign dropReasons }

func (t *tracing) countDrop(e *event.Event) {
	switch {
	case !e.Drop.Dropped:
	case e.Drop.Benign:
		t.drops.benign.count(e)
	default:
		t.totals.Dropped++
		t.drops.reasons.count(e)
	}
}

// sumDrops writes the counts by reason to the totals, with the benign drops that the kernel
// counted and did not emit.
func (t *tracing) sumDrops() error {
	t.totals.DropReasons, t.totals.BenignReasons = t.drops.reasons.list(), t.drops.benign.list()
	counts, err := t.session.Hidden()
	if err != nil {
		return err
	}
	hidden := dropReasons{}
	for reason, n := range counts {
		hidden[t.names.Reason(reason)] += n
	}
	t.totals.HiddenReasons = hidden.list()
	return nil
}

// reasonLine is like `hidden: OTHERHOST 3, NO_SOCKET 1`.
func reasonLine(what string, counts []event.ReasonCount) string {
	var parts []string
	for _, r := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", reasonName(r.Name), r.Count))
	}
	return what + ": " + strings.Join(parts, ", ")
}

// benign prints the counts of benign drops, printed and hidden.
func (t *teller) benign(totals event.Totals) {
	if len(totals.BenignReasons) > 0 {
		fmt.Fprintln(t.w, reasonLine("benign", totals.BenignReasons))
	}
	if len(totals.HiddenReasons) > 0 {
		fmt.Fprintln(t.w, reasonLine("hidden", totals.HiddenReasons))
	}
}
