// SPDX-License-Identifier: Apache-2.0

// Package privilege drops the capabilities that this process no longer needs, on all of its threads.
//
// It calls the kernel itself: moby/sys/capability changes only the calling thread and has no
// no_new_privs; libcap/cap changes a single thread, as [Without] does, only in its launcher, and
// returns no error if it cannot look at the ambient set.
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

// Drop gives up every capability but those to keep, of which it makes no more than there
// are: from the effective, permitted, inheritable and ambient sets. No program that is
// executed later gains any (no_new_privs, 3.5), whatever the bounding set has. It returns what
// is left.
//
// Threads have rights of their own, and with cgo not all of them are the Go runtime's, so
// that each call is made on all of them by psx.
func Drop(keep kernel.CapabilitySet) (kernel.CapabilitySet, error) {
	had, err := ownSets()
	if err != nil {
		return 0, err
	}
	keep = had.permitted & (keep | had.standIns(keep))
	return keep, errors.Join( // of what can't be done the rest still is
		everywhere("PR_SET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS, 1),
		everywhere("PR_CAP_AMBIENT", unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL),
		set(keep),
	)
}

// standIns are those that are held in place of others that are to be kept.
func (s sets) standIns(keep kernel.CapabilitySet) (found kernel.CapabilitySet) {
	for _, c := range kernel.Capabilities {
		if keep.Has(c.Number) && !s.permitted.Has(c.Number) {
			found |= kernel.SetOf(c.Instead)
		}
	}
	return found
}

// everywhere is prctl on each thread.
func everywhere(what string, option, argument uintptr) error {
	if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, option, argument, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("prctl %s: %w", what, errno)
	}
	return nil
}

// sets are those of a thread that matter here.
type sets struct{ effective, permitted kernel.CapabilitySet }

func header() unix.CapUserHeader {
	return unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
}

// ownSets are the sets of the calling thread, which are those of all.
func ownSets() (s sets, err error) {
	s.effective, s.permitted, err = kernel.OwnCapabilities()
	return s, err
}

// data is what capset takes.
func data(effective, permitted kernel.CapabilitySet) *[2]unix.CapUserData {
	return &[2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(permitted)},
		{Effective: uint32(effective >> 32), Permitted: uint32(permitted >> 32)},
	}
}

// set leaves each thread these capabilities and no inheritable ones.
func set(keep kernel.CapabilitySet) error {
	h, d := header(), data(keep, keep)
	_, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(d)), 0)
	runtime.KeepAlive(d)
	if errno != 0 {
		return fmt.Errorf("capset: %w", errno)
	}
	return nil
}

// Without calls f on a thread that has its capabilities put aside for the time of the call:
// what succeeds then needs none. It fails where they can't be.
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

// Names are those of the capabilities in a set, with `none` for an empty one.
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

// ofFiles are those that tracer keeps for files of others.
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
