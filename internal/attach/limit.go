// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// limitError means that a resource limit of this process is too low, and that it may not raise the limit
// (CAP_SYS_RESOURCE).
type limitError struct {
	text, remedy string
	err          error
}

func (e *limitError) Error() string { return e.text + ": " + e.err.Error() }
func (e *limitError) Unwrap() error { return e.err }

// Hint returns how to get a higher limit.
func (e *limitError) Hint() string { return "run as root, with CAP_SYS_RESOURCE, or " + e.remedy }

// raiseLockedMemory raises the limit of locked memory, which BPF maps count against before 5.11. If the
// process may not remove the limit, the soft limit is raised to the hard limit, and explain adds a hint
// to errors that a low limit can cause.
func raiseLockedMemory() (explain func(error) error, err error) {
	refused := rlimit.RemoveMemlock()
	if refused == nil {
		return func(err error) error { return err }, nil
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return nil, fmt.Errorf("limit of locked memory: %w", err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return nil, fmt.Errorf("limit of locked memory: %w", err)
	}
	return func(err error) error { return explainMemory(err, limit.Max) }, nil
}

func explainMemory(err error, limit uint64) error {
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	return &limitError{
		text:   fmt.Sprintf("the limit of locked memory, %d KiB, may be too low (before Linux 5.11)", limit>>10),
		remedy: "after `ulimit -l unlimited` (systemd: LimitMEMLOCK=infinity)",
		err:    err,
	}
}

// raiseFileLimit raises the limit of open files to one for each probe, and some more. It never lowers the
// limit.
func raiseFileLimit(probes int) error {
	want := uint64(probes + 256)
	return kernel.RaiseFileLimit(want, func(most uint64, err error) error {
		return &limitError{
			text:   fmt.Sprintf("can't raise the limit of open files from %d to %d, one for each probe", most, want),
			remedy: fmt.Sprintf("after `ulimit -n %d` (systemd: LimitNOFILE=%d); or trace fewer functions: --filter-func", want, want),
			err:    err,
		}
	})
}
