// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// inside calls f on a thread in the namespace, so that its sockets and the programs that it starts are in the namespace.
func (n *namespace) inside(f func() error) error {
	if n.isOurs {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // without an unlock, so the thread ends with the goroutine
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter network namespace %d: %w", n.inode, err)
			return
		}
		done <- f()
	}()
	return <-done
}
