// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNeedFiles(t *testing.T) {
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
			t.Error(err)
		}
	}()
	for _, tc := range []struct{ cur, want uint64 }{{64, minFiles}, {minFiles, minFiles}, {minFiles + 1, minFiles + 1}} {
		limit := unix.Rlimit{Cur: tc.cur, Max: had.Max}
		if err := errors.Join(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit), NeedFiles(), unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)); err != nil {
			t.Fatal(err)
		}
		if limit.Cur != tc.want || limit.Max != had.Max {
			t.Errorf("limit %d is raised to %d of %d, want %d of %d", tc.cur, limit.Cur, limit.Max, tc.want, had.Max)
		}
	}
}

func TestFewFilesHasHint(t *testing.T) {
	err := fewFiles(16, unix.EPERM)
	var h *hinted
	if !errors.As(err, &h) || !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "from 16 to 256") || !strings.Contains(h.Hint(), "ulimit -n 256") {
		t.Errorf("%v", err)
	}
}
