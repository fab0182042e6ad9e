// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func lockForGood() { runtime.LockOSThread() }

// setUser changes the user of only the calling thread.
func setUser(uid int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
		return errno
	}
	return nil
}
