// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestExplainKprobeMulti(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{
		unix.EFAULT:     nil, // it came as far as reading the addresses
		unix.EOPNOTSUPP: errNoFprobe,
		unix.EINVAL:     errNoKprobeMulti,
		unix.E2BIG:      errNoKprobeMulti,
		unix.EPERM:      errPermission,
		unix.ENOMEM:     unix.ENOMEM,
	} {
		if got := explainKprobeMulti(errno); !errors.Is(got, want) {
			t.Errorf("%v: %v, want %v", errno, got, want)
		}
	}
}

func TestExplainKprobe(t *testing.T) {
	for err, want := range map[error]error{
		nil:         nil,
		unix.EINVAL: nil,
		unix.ENOENT: nil,
		unix.EACCES: errPermission,
		unix.EPERM:  errPermission,
		unix.ENOMEM: unix.ENOMEM,
	} {
		if got := explainKprobe(err); !errors.Is(got, want) {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if got := explainPMU(fs.ErrNotExist); got != errNoKprobes {
		t.Error(got)
	}
}

func TestExplainLoad(t *testing.T) {
	if got := explainLoad(ebpf.Kprobe, unix.EPERM); got != error(errPermission) {
		t.Error(got)
	}
	if got := explainLoad(ebpf.Kprobe, unix.EINVAL); got.Error() != "a program of type Kprobe is refused: invalid argument" {
		t.Error(got)
	}
}
