// SPDX-License-Identifier: Apache-2.0

// Package privilege drops the capabilities that this process no longer needs, on all of its threads.
//
// It uses no library for capabilities: moby/sys/capability changes only the calling thread and does not set
// no_new_privs. libcap/cap can change a single thread, as [Without] needs, only in a thread of its Launcher, and
// returns no error if it can't read the ambient set.
package privilege

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"

	"tracer/internal/kernel"
)

// Drop removes every capability except those in keep from the effective, permitted, inheritable and ambient
// sets. It adds none: if one in keep is not permitted, a permitted one that includes it is kept instead, such
// as CAP_SYS_ADMIN for CAP_BPF. It sets no_new_privs (3.5), so that programs executed later gain no
// capabilities, whatever is in the bounding set. It returns the capabilities that are left.
//
// Capabilities are per thread, and with cgo the Go runtime does not know all threads, so psx makes each call on
// all of them.
func Drop(keep kernel.CapabilitySet) (kernel.CapabilitySet, error) {
	had, err := ownSets()
	if err != nil {
		return 0, err
	}
	keep = had.permitted & (keep | had.standIns(keep))
	return keep, errors.Join( // if one step fails, the others are still done
		onAllThreads("PR_SET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS, 1),
		onAllThreads("PR_CAP_AMBIENT", unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL),
		set(keep),
	)
}

// standIns returns, for each capability in keep that is not permitted, another one that includes it
// ([kernel.Capability].Instead).
func (s sets) standIns(keep kernel.CapabilitySet) (found kernel.CapabilitySet) {
	for _, c := range kernel.Capabilities {
		if keep.Has(c.Number) && !s.permitted.Has(c.Number) {
			found |= kernel.SetOf(c.Instead)
		}
	}
	return found
}

// onAllThreads calls prctl on each thread.
func onAllThreads(what string, option, argument uintptr) error {
	if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, option, argument, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("prctl %s: %w", what, errno)
	}
	return nil
}

// sets are the effective and the permitted set of a thread.
type sets struct{ effective, permitted kernel.CapabilitySet }

func header() unix.CapUserHeader {
	return unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
}

// ownSets returns the sets of the calling thread, which all threads share.
func ownSets() (s sets, err error) {
	s.effective, s.permitted, err = kernel.OwnCapabilities()
	return s, err
}

// data returns the argument of capset.
func data(effective, permitted kernel.CapabilitySet) *[2]unix.CapUserData {
	return &[2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(permitted)},
		{Effective: uint32(effective >> 32), Permitted: uint32(permitted >> 32)},
	}
}

// set gives each thread these capabilities, and no inheritable ones.
func set(keep kernel.CapabilitySet) error {
	h, d := header(), data(keep, keep)
	_, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(d)), 0)
	runtime.KeepAlive(d)
	if errno != 0 {
		return fmt.Errorf("capset: %w", errno)
	}
	return nil
}

// Without calls f on a thread without effective capabilities, and restores them afterwards. It tests whether f
// needs capabilities. It returns the error of f, or an error if the capabilities can't be removed or restored.
func Without(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	had, err := ownSets()
	if err != nil {
		return err
	}
	if err := setThread(0, had.permitted); err != nil {
		return err
	}
	err = f()
	if back := setThread(had.effective, had.permitted); back != nil {
		return back
	}
	return err
}

func setThread(effective, permitted kernel.CapabilitySet) error {
	h, d := header(), data(effective, permitted)
	if err := unix.Capset(&h, &d[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}

// Names returns the names of the capabilities in a set, or `none`.
func Names(set kernel.CapabilitySet) string {
	var list []string
	for number := uint(0); number < 64; number++ {
		if set.Has(number) {
			list = append(list, name(number))
		}
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

// ofFiles are capabilities that tracer may keep to write its files in directories of other users.
var ofFiles = map[uint]string{
	unix.CAP_CHOWN: "CAP_CHOWN", unix.CAP_DAC_OVERRIDE: "CAP_DAC_OVERRIDE", unix.CAP_FOWNER: "CAP_FOWNER",
}

func name(number uint) string {
	for _, c := range kernel.Capabilities {
		if c.Number == number {
			return c.Name
		}
	}
	if known := ofFiles[number]; known != "" {
		return known
	}
	return fmt.Sprintf("capability %d", number)
}
