// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"regexp"
	"strings"
	"testing"
)

// pictured are the arguments of tracer in docs/picture.svg.
const pictured = `--filter-func '@route|@nf|@drop|ip_rcv' --output-columns iface,tuple,func 'tcp port 8080'`

// erased matches the text of a terminal line that is erased by an escape sequence.
var erased = regexp.MustCompile(`.*\r\x1b\[K`)

// shortReason returns a reason as shown on a terminal, or "" on a kernel without drop reasons.
func shortReason(name string) string {
	return strings.TrimPrefix(reasonHere("SKB_DROP_REASON_"+name), "SKB_DROP_REASON_")
}

// TestPicture traces a connection that a firewall drops, on a terminal. `make picture` draws what the
// terminal shows.
func TestPicture(t *testing.T) {
	const width = 110
	s := situations["The firewall drops it"](newNetwork3(t))
	w := openWindow(t, width)
	p := command{args: words(pictured), stdout: w.slave, stderr: w.slave, onTerminal: true}.start(t)
	w.slave.Close()
	p.awaitReady()
	s.send()
	w.stop(p)
	text := erased.ReplaceAllString(strings.ReplaceAll(w.text.String(), "\r\n", "\n"), "")
	_, table, found := strings.Cut(text, "IFACE ")
	rows, _, _ := strings.Cut(table, "traced ")
	if !found || !strings.Contains(rows, red) || !strings.Contains(rows, shortReason("NETFILTER_DROP")) {
		t.Errorf("no red row of the drop: %q", text)
	}
	checkRows(t, "IFACE "+uncoloured.ReplaceAllString(rows, ""), width)
	keep(t, "picture.ansi", "$ sudo tracer "+pictured+"\n"+text)
}
