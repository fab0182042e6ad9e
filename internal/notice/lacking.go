// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// lacking notes what this run can't do because optional capabilities are missing.
func (n *Notifier) lacking(facts *kernel.Facts, p *plan.Plan) {
	set, err := kernel.Effective()
	if err != nil {
		return
	}
	for _, note := range lackingNotes(set, os.Geteuid() == 0, facts, p) {
		n.note("capability", "%s", note)
	}
}

// lackingNotes returns a note for each missing capability that would have changed the plan.
func lackingNotes(set kernel.CapabilitySet, root bool, facts *kernel.Facts, p *plan.Plan) (notes []string) {
	for _, c := range set.Lacking() {
		lost := false
		switch c.Number {
		case unix.CAP_SYSLOG:
			lost = facts.Symbols == nil
		case unix.CAP_DAC_READ_SEARCH:
			lost = !root && facts.ListReadable != nil && len(p.Functions) > 0
		case unix.CAP_SYS_RAWIO:
			lost = facts.PagesUnknown != nil && p.MayReadNonlinear()
		}
		if lost {
			notes = append(notes, fmt.Sprintf("lacking %s: %s", c.Name, c.Without))
		}
	}
	return notes
}

// HiddenSockets warns of processes whose sockets may not be read.
func (n *Notifier) HiddenSockets(pids []uint32) {
	n.send(Notice{
		Key: "hidden_sockets", Severity: Warning, Fields: []Field{{"pids", pids}},
		Text: "lacking CAP_SYS_PTRACE, perhaps CAP_DAC_READ_SEARCH: a socket is matched to these processes only once it has sent: " + processList(pids),
	})
}

// fewProcesses is the number of processes that are named.
const fewProcesses = 8

func processList(pids []uint32) string {
	named := strings.Trim(fmt.Sprint(pids[:min(len(pids), fewProcesses)]), "[]")
	if more := len(pids) - fewProcesses; more > 0 {
		return fmt.Sprintf("%s and %d more", named, more)
	}
	return named
}
