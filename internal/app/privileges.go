// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/privilege"
)

// dropPrivileges gives up what nothing needs that is still to come. Where the system does
// not let us, tracing goes on with what there is.
func (t *tracing) dropPrivileges() {
	left, err := privilege.Drop(t.needed())
	if t.say.undropped(err); err == nil {
		t.say.dropped(left)
	}
}

// needed are the capabilities that are used while packets are traced.
func (t *tracing) needed() kernel.CapabilitySet {
	needed := t.files
	if t.watches {
		needed |= ofPrograms
	}
	if t.owner.Process() {
		needed |= kernel.SetOf(unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH)
	}
	if t.netnsNames && os.Geteuid() != 0 {
		needed |= kernel.SetOf(unix.CAP_DAC_READ_SEARCH)
	}
	if privilege.Without(t.readsCounters) != nil {
		needed |= kernel.SetOf(unix.CAP_BPF)
	}
	return needed
}

// ofPrograms are what it takes to trace BPF programs that are loaded later.
var ofPrograms = kernel.SetOf(unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN, unix.CAP_SYSLOG)

func (t *tracing) readsCounters() error {
	_, err := t.session.Counts()
	return err
}

// rotates are what root uses where files and folders are not its own: putting a file aside
// for a new one with the same owner.
var rotates = kernel.SetOf(unix.CAP_DAC_OVERRIDE, unix.CAP_CHOWN, unix.CAP_FOWNER)

// fileRights are those that it takes to write the files later. Mostly that is none: they lie
// in folders that their owner may write to.
func fileRights(out *output, ready *readyFile) (rights kernel.CapabilitySet) {
	if privilege.Without(ready.creatable) != nil {
		rights |= kernel.SetOf(unix.CAP_DAC_OVERRIDE)
	}
	if out.file != nil && privilege.Without(out.file.Rotatable) != nil {
		rights |= rotates
	}
	return rights
}
