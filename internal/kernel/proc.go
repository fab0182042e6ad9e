// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// errNoProc says that nothing is known of the kernel or of this process.
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

// ftraceSetting is 0 if ftrace calls nobody.
const ftraceSetting = "/proc/sys/kernel/ftrace_enabled"

// FtraceDisabled reports whether the sysctl kernel.ftrace_enabled is 0: probes of functions can then
// be attached, and the kernel does not call those that are built on ftrace, which are all of
// kprobe-multi and, on most architectures, those of single kprobes.
func FtraceDisabled() bool { return isZero(ftraceSetting) }

func isZero(path string) bool {
	b, err := os.ReadFile(path)
	return err == nil && strings.TrimSpace(string(b)) == "0"
}
