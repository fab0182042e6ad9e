// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTooLittleLockedMemoryIsExplained(t *testing.T) {
	err := explainMemory(fmt.Errorf("map create: %w", unix.EPERM), 64<<10)
	if want := "the limit of locked memory, 64 KiB, may be too low (before Linux 5.11): map create: operation not permitted"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	hinted, ok := err.(interface{ Hint() string })
	if !ok || !strings.Contains(hinted.Hint(), "CAP_SYS_RESOURCE") || !strings.Contains(hinted.Hint(), "ulimit -l unlimited") {
		t.Errorf("%#v does not say what to do", err)
	}
	if other := explainMemory(unix.EINVAL, 0); other != unix.EINVAL {
		t.Errorf("%v of another error", other)
	}
}

func TestFileLimitIsNeverLowered(t *testing.T) {
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := raiseFileLimit(-200); err != nil {
		t.Error(err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &after); err != nil || after != before {
		t.Errorf("limit %v, want %v as before (%v)", after, before, err)
	}
}

// TestFileLimitThatCannotBeRaised requests more than fs.nr_open, which is the maximum even for root.
func TestFileLimitThatCannotBeRaised(t *testing.T) {
	err := raiseFileLimit(1 << 40)
	hinted, ok := err.(interface{ Hint() string })
	if !ok || !strings.Contains(err.Error(), "limit of open files") || !strings.Contains(hinted.Hint(), "CAP_SYS_RESOURCE") || !strings.Contains(hinted.Hint(), "--filter-func") {
		t.Errorf("error %v", err)
	}
}
