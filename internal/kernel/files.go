// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// minFiles is the number of open files that any run needs, in addition to one per single kprobe.
const minFiles = 256

// NeedFiles raises the limit of open files (RLIMIT_NOFILE) to minFiles if it is lower, and returns an error
// if it can't. With fewer files, feature tests fail with EMFILE and look like missing features.
func NeedFiles() error { return RaiseFileLimit(minFiles, fewFiles) }

// RaiseFileLimit raises the limit of open files to want if it is lower. If the kernel refuses, it returns the
// error that explain makes of the hard limit and of the kernel's error.
func RaiseFileLimit(want uint64, explain func(most uint64, err error) error) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	if limit.Cur >= want {
		return nil
	}
	most := limit.Max
	limit.Cur, limit.Max = want, max(limit.Max, want)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return explain(most, err)
	}
	return nil
}

func fewFiles(had uint64, err error) error {
	return &hinted{
		msg:  fmt.Sprintf("can't raise the limit of open files from %d to %d", had, minFiles),
		err:  err,
		hint: fmt.Sprintf("run as root, with CAP_SYS_RESOURCE, or after `ulimit -n %d` (systemd: LimitNOFILE=%[1]d)", minFiles),
	}
}
