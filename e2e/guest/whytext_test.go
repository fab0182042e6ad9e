// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// whyInText are ten causes, of as many families as possible.
var whyInText = []provocation{
	nftRule, rpFilter, forwardingOff, noRoute, forwardMTUDevice, noAnswer, queueOfDeviceFull, tcpNoListener, udpBufferFull, synRefused,
}

// TestWhyInText compares the causes in text with those in JSON, of two tracers that trace the same packets. The text is
// logged, and kept in the results folder. If the two differ, and one of them may have lost the values of a call, the packets
// are sent again, twice at most.
func TestWhyInText(t *testing.T) {
	l := newLab(t, inOrder)
	var out outputs
	for attempt := range 3 {
		out = l.traceTwice(whyInText...)
		keep(t, "why.txt", out.text)
		if out.agree() || !out.isLossy() {
			break
		}
		t.Logf("attempt %d: the outputs differ; %s", attempt+1, out.lost)
	}
	for _, s := range out.list {
		t.Run(s.cause, func(t *testing.T) {
			own := out.rows.that(s.rows)
			if len(own) == 0 && s.excuse() != "" {
				t.Logf("%s: no row", s.cause)
				return
			}
			own.present(t, s.cause)
			for i := range own {
				own[i].isIn(t, out.text)
			}
		})
	}
}

// outputs are the rows and the text of two tracers of the same packets, and what may have lost values of one of them.
type outputs struct {
	list []scenario
	rows records
	text string
	lost loss
}

// isLossy reports whether a tracer may have lost values of a call.
func (o *outputs) isLossy() bool {
	isUnknown := func(r *record) bool { return r.cause() == unknown }
	return o.lost.isPossible() || len(o.rows.that(isUnknown)) > 0 || strings.Contains(o.text, whyUnknown)
}

// traceTwice sends the packets of the scenarios while two tracers run, one with JSON and one with text.
func (l *lab) traceTwice(from ...provocation) outputs {
	l.t.Helper()
	list := l.provoke(from...)
	text := command{args: []string{"--drop", "--output-columns", "iface,tuple,func,why"}}.start(l.t)
	p := start(l.t, "--drop")
	text.awaitReady()
	stalled := watchStalls(l.t)
	l.send(list)
	l.await(p, list)
	lost := loss{stall: stalled(), uncounted: !countsMisses()}
	trace := p.stop()
	text.stopText()
	lost.missed = trace.summary.Missed + missedHits(l.t, text.stderr())
	return outputs{list: list, rows: trace.events.that(dropped), text: text.stdout(), lost: lost}
}

// missedInText is the number of missed probe hits in the last line of text on standard error.
var missedInText = regexp.MustCompile(`, ([0-9]+) probe hits? missed`)

func missedHits(t *testing.T, messages string) int {
	t.Helper()
	found := missedInText.FindStringSubmatch(messages)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// agree reports whether the text has all rows of the scenarios, and each scenario has one.
func (o *outputs) agree() bool {
	for _, s := range o.list {
		own := o.rows.that(s.rows)
		if len(own) == 0 && s.excuse() == "" {
			return false
		}
		for i := range own {
			if own[i].line(o.text) == "" {
				return false
			}
		}
	}
	return true
}

// isIn checks that the text output has the row of a drop, with the lines of its cause.
func (r *record) isIn(t *testing.T, text string) {
	t.Helper()
	if line := r.line(text); line != "" {
		t.Log("\n" + line)
		return
	}
	t.Errorf("the text has no row of %s at %s with%s\nbut:\n%s", r.Func, r.Location, r.below(), text)
}

// whyUnknown is the line below the row of a drop whose cause is unknown, with the ends of the lines.
const whyUnknown = "\n    why: unknown\n"

// below returns the lines of the cause below a row, as text output has them.
func (r *record) below() string {
	if r.Why.Cause == unknown {
		return whyUnknown
	}
	return "\n    why: " + r.Why.Text + "\n    fix: " + r.Why.Remedy + "\n"
}

// ifKept is added to the text of a rule if a tracer read the tables only after the drop. Of two tracers, one may have read
// them before.
var ifKept = regexp.MustCompile("; if the (table|rule) was not replaced since")

// line returns the row of a drop in the text output with the lines of its cause, or nothing.
func (r *record) line(text string) string {
	below, text := ifKept.ReplaceAllString(r.below(), ""), ifKept.ReplaceAllString(text, "")
	for before, after, found := strings.Cut(text, below); found; before, after, found = strings.Cut(after, below) {
		row := before[strings.LastIndexByte(before, '\n')+1:]
		if strings.HasPrefix(row, r.Ifname+":") && strings.HasSuffix(row, r.Location) && strings.Contains(row, r.Func) {
			return row + below
		}
	}
	return ""
}
