// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// errNoProc is the error if /proc is not a procfs.
var errNoProc = &hinted{
	msg:  "/proc is not mounted",
	hint: "`mount -t proc proc /proc`",
}

// NeedProc returns an error if there is no procfs.
func NeedProc() error { return needProc("/proc") }

func needProc(path string) error {
	var s unix.Statfs_t
	switch err := unix.Statfs(path, &s); {
	case errors.Is(err, unix.ENOENT), err == nil && s.Type != unix.PROC_SUPER_MAGIC:
		return errNoProc
	default:
		return err
	}
}

// ftraceSetting contains 0 if ftrace is disabled: it then calls none of the functions attached to it.
const ftraceSetting = "/proc/sys/kernel/ftrace_enabled"

// FtraceDisabled reports whether the sysctl kernel.ftrace_enabled is 0. Probes can then still be
// attached, but the kernel does not call those that use ftrace: all of kprobe-multi and, on most
// architectures, single kprobes at the entry of a function.
func FtraceDisabled() bool { return isZero(ftraceSetting) }

func isZero(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && strings.TrimSpace(string(b)) == "0"
}
