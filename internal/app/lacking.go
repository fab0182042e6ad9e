// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// lacking tells what this run loses for want of capabilities that it could do without.
func (t *teller) lacking(facts *kernel.Facts, p *plan.Plan) {
	set, err := kernel.Effective()
	if err != nil {
		return
	}
	for _, note := range lackingNotes(set, os.Geteuid() == 0, facts, p) {
		fmt.Fprintf(t.w, "note: %s\n", note)
	}
}

// lackingNotes are about those capabilities alone that would have changed what was found.
func lackingNotes(set kernel.CapabilitySet, root bool, facts *kernel.Facts, p *plan.Plan) (notes []string) {
	for _, c := range set.Lacking() {
		lost := false
		switch c.Number {
		case unix.CAP_SYSLOG:
			lost = facts.Symbols == nil
		case unix.CAP_DAC_READ_SEARCH:
			lost = !root && facts.ListReadable != nil && len(p.Functions) > 0
		case unix.CAP_SYS_RAWIO:
			lost = facts.PagesUnknown != nil && p.Far()
		}
		if lost {
			notes = append(notes, fmt.Sprintf("lacking %s: %s", c.Name, c.Without))
		}
	}
	return notes
}

// hiddenSockets tells whose sockets are not known.
func (t *teller) hiddenSockets(pids []uint32) {
	fmt.Fprintf(t.w, "warning: lacking CAP_SYS_PTRACE, perhaps CAP_DAC_READ_SEARCH: a socket is matched to these processes only once it has sent: %s\n",
		processList(pids))
}

// fewProcesses is how many are named.
const fewProcesses = 8

func processList(pids []uint32) string {
	named := strings.Trim(fmt.Sprint(pids[:min(len(pids), fewProcesses)]), "[]")
	if more := len(pids) - fewProcesses; more > 0 {
		return fmt.Sprintf("%s and %d more", named, more)
	}
	return named
}
