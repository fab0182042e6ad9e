// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"strings"
	"testing"

	"tracer/internal/column"
	"tracer/internal/event"
)

func TestColours(t *testing.T) {
	drop, lost := base(), event.Event{Kind: event.Lost, Loss: &event.Loss{Count: 1}}
	drop.Drop.Dropped, drop.Stack = true, stack()
	benign := base()
	benign.Drop.Dropped, benign.Drop.Benign = true, true
	for _, c := range []struct {
		name       string
		event      event.Event
		begin, end string
	}{
		{"a drop", drop, "\x1b[31m0x", "\x1b[m"},
		{"a marker", lost, "\x1b[33m---", "---\x1b[m"},
		{"a benign drop", benign, "0x", "ip_output"},
		{"any other row", base(), "0x", "ip_output"},
	} {
		row := strings.Split(printedOne(t, Options{Color: true, Columns: column.Options{Stack: true}}, c.event), "\n")[1]
		if !strings.HasPrefix(row, c.begin) || !strings.HasSuffix(row, c.end) {
			t.Errorf("%s: %q, want it to begin with %q and to end with %q", c.name, row, c.begin, c.end)
		}
	}
}

func TestNoColourInJSON(t *testing.T) {
	drop := base()
	drop.Drop.Dropped = true
	if line := printedOne(t, Options{JSON: true, Color: true, Columns: full}, drop); strings.Contains(line, "\x1b") {
		t.Errorf("an escape in %q", line)
	}
}
