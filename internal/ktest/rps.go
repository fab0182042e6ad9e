// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// SetRPS sets the CPUs, a hexadecimal mask, whose backlogs the packets that a device receives go to (receive packet
// steering); 0 turns it off.
func SetRPS(t testing.TB, n *Netns, device, cpus string) {
	t.Helper()
	must(t, n.Do(func() error {
		if err := mountSysfs(); err != nil {
			return err
		}
		return os.WriteFile(rpsFile(device), []byte(cpus), 0)
	}))
}

func rpsFile(device string) string {
	return fmt.Sprintf("/sys/class/net/%s/queues/rx-0/rps_cpus", device)
}

// mountSysfs gives the thread, which must end with its function, a /sys with the devices of its network namespace.
func mountSysfs() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("new mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount sysfs: %w", err)
	}
	return nil
}
