// SPDX-License-Identifier: Apache-2.0

package sink

import "tracer/internal/event"

// colour has the escape sequences before and after a line; the zero value has none.
type colour struct{ begin, end string }

// The sequences are defined by ECMA-48, which every terminal implements.
var (
	red    = colour{"\x1b[31m", "\x1b[m"}
	yellow = colour{"\x1b[33m", "\x1b[m"}
)

// colours are the colours of text; the zero value has none.
type colours struct{ drop, marker colour }

func coloursOf(o Options) colours {
	if !o.Color {
		return colours{}
	}
	return colours{drop: red, marker: yellow}
}

// ofRow returns nil for a row without a colour.
func (c *colours) ofRow(e *event.Event) *colour {
	if e.IsDrop() && !e.Drop.Benign {
		return &c.drop
	}
	return nil
}
