// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mounts are the file systems to mount, in order.
var mounts = []struct{ path, kind string }{
	{"/proc", "proc"},
	{"/sys", "sysfs"},
	{"/dev", "devtmpfs"},
	{"/dev/pts", "devpts"},
	{"/tmp", "tmpfs"},
	{"/run", "tmpfs"},
	{"/sys/kernel/tracing", "tracefs"},
	{"/sys/kernel/debug", "debugfs"},
	{"/sys/kernel/security", "securityfs"},
	{"/sys/fs/bpf", "bpf"},
	{"/sys/fs/cgroup", "cgroup2"},
}

func mountAll() error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.path, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	return nil
}
