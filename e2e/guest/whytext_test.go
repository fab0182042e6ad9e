// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"strings"
	"testing"
)

// whyInText are ten causes, of as many families as possible.
var whyInText = []provocation{
	nftRule, rpFilter, forwardingOff, noRoute, forwardMTUDevice, noAnswer, queueOfDeviceFull, tcpNoListener, udpBufferFull, synRefused,
}

// TestWhyInText compares the causes in text with those in JSON, of two tracers that trace the same packets. The text is
// logged, and kept in the results folder.
func TestWhyInText(t *testing.T) {
	l := newLab(t, inOrder)
	list := l.provoke(whyInText...)
	text := command{args: []string{"--drop", "--output-columns", "iface,tuple,func,why"}}.start(t)
	p := start(t, "--drop")
	text.awaitReady()
	l.send(list)
	l.await(p, list)
	rows := p.stop().events.that(dropped)
	text.stopText()
	keep(t, "why.txt", text.stdout()+text.stderr())
	for _, s := range list {
		t.Run(s.cause, func(t *testing.T) {
			own := rows.that(s.rows)
			if len(own) == 0 && s.excuse() != "" {
				t.Logf("%s: no row", s.cause)
				return
			}
			own.present(t, s.cause)
			for i := range own {
				own[i].isIn(t, text.stdout())
			}
		})
	}
}

// isIn checks that the text output has the row of a drop, with the lines of its cause.
func (r *record) isIn(t *testing.T, text string) {
	t.Helper()
	below := "\n    why: unknown\n"
	if r.Why.Cause != unknown {
		below = "\n    why: " + r.Why.Text + "\n    fix: " + r.Why.Remedy + "\n"
	}
	for before, after, found := strings.Cut(text, below); found; before, after, found = strings.Cut(after, below) {
		row := before[strings.LastIndexByte(before, '\n')+1:]
		if strings.HasPrefix(row, r.Ifname+":") && strings.HasSuffix(row, r.Location) && strings.Contains(row, r.Func) {
			t.Log("\n" + row + below)
			return
		}
	}
	t.Errorf("the text has no row of %s at %s with%s\nbut:\n%s", r.Func, r.Location, below, text)
}
