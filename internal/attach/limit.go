// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// limitError is a limit of this process that is too low, and that it may not raise
// (CAP_SYS_RESOURCE).
type limitError struct {
	text, remedy string
	err          error
}

func (e *limitError) Error() string { return e.text + ": " + e.err.Error() }
func (e *limitError) Unwrap() error { return e.err }

// Hint is how to have a higher limit.
func (e *limitError) Hint() string { return "run as root, with CAP_SYS_RESOURCE, or " + e.remedy }

// raiseLockedMemory makes room for BPF maps, which count against the limit of locked memory
// before 5.11. Who may not raise the limit has all that it allows; explain says then what to do
// where that was not enough.
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

// raiseFileLimit makes room for a descriptor a probe and some more. It never
// lowers a limit.
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
