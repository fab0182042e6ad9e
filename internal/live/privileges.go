// SPDX-License-Identifier: Apache-2.0

package live

import (
	"os"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// tracesPrograms are the capabilities for tracing BPF programs that are loaded later.
var tracesPrograms = kernel.SetOf(unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN, unix.CAP_SYSLOG)

// Capabilities returns the capabilities that the source still needs when it is open. without calls a function
// without any capabilities, and returns its error.
func (s *Source) Capabilities(without func(func() error) error) (needed kernel.CapabilitySet) {
	if s.watchesPrograms {
		needed |= tracesPrograms
	}
	if s.owner.Process() {
		needed |= kernel.SetOf(unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH)
	}
	if s.namesNetns && os.Geteuid() != 0 {
		needed |= kernel.SetOf(unix.CAP_DAC_READ_SEARCH)
	}
	if s.why != nil {
		needed |= answersNeed
	}
	if without(s.readsCounters) != nil {
		needed |= kernel.SetOf(unix.CAP_BPF)
	}
	return needed
}

func (s *Source) readsCounters() error {
	_, err := s.session.Counts()
	return err
}
