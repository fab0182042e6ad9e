// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"syscall"

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
func fileRights(cfg Config) (rights kernel.CapabilitySet) {
	if cfg.ReadyFile != "" && !writableBare(filepath.Dir(cfg.ReadyFile)) {
		rights |= kernel.SetOf(unix.CAP_DAC_OVERRIDE)
	}
	if cfg.OutputFile != "" && !rotatableBare(cfg.OutputFile) {
		rights |= rotates
	}
	return rights
}

// writableBare says whether files can be made in a folder without any capability.
func writableBare(folder string) bool {
	return privilege.Without(func() error {
		return unix.Faccessat(unix.AT_FDCWD, folder, unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	}) == nil
}

// rotatableBare says whether the output file can be rotated so. What is no regular file never
// is.
func rotatableBare(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	info, err := os.Stat(real)
	if err != nil {
		return false
	}
	return !info.Mode().IsRegular() || isOurs(info) && writableBare(filepath.Dir(real))
}

// isOurs says whether a new file of ours has the owner that this one has.
func isOurs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && int(stat.Gid) == os.Getegid()
}
