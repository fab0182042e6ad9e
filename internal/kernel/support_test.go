// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestExplainKprobeMulti(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{
		unix.EFAULT:     nil, // it tried to read the addresses
		unix.EOPNOTSUPP: errNoFprobe,
		unix.EINVAL:     errNoKprobeMulti,
		unix.E2BIG:      errNoKprobeMulti,
		unix.EPERM:      notPermitted(),
		unix.ENOMEM:     unix.ENOMEM,
	} {
		if got := explainKprobeMulti(errno); !is(got, want) {
			t.Errorf("%v: %v, want %v", errno, got, want)
		}
	}
}

// is also compares texts, since notPermitted returns a new error each time.
func is(got, want error) bool {
	return errors.Is(got, want) || got != nil && want != nil && got.Error() == want.Error()
}

func TestExplainKprobe(t *testing.T) {
	for err, want := range map[error]error{
		nil:         nil,
		unix.EINVAL: nil,
		unix.ENOENT: nil,
		unix.EACCES: perfNotPermitted(),
		unix.EPERM:  perfNotPermitted(),
		unix.ENOMEM: unix.ENOMEM,
	} {
		if got := explainKprobe(err); !is(got, want) {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if got := explainPMU(fs.ErrNotExist); got != errNoKprobes {
		t.Error(got)
	}
}

func TestPerfType(t *testing.T) {
	file := filepath.Join(t.TempDir(), "type")
	for text, want := range map[string]string{"8\n": "", "eight\n": file + `: "eight" is not a number`, "": file + `: "" is not a number`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch got, err := perfType(file); {
		case err == nil && (got != 8 || want != ""):
			t.Errorf("%q is %d", text, got)
		case err != nil && err.Error() != want:
			t.Errorf("%q: error %q, want %q", text, err, want)
		}
	}
}

// TestKprobePMU checks that the error names what is missing, and is still recognised.
func TestKprobePMU(t *testing.T) {
	_, err := KprobePMU()
	if _, statErr := os.Stat(kprobePMU); statErr == nil {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil || !strings.HasPrefix(err.Error(), "perf events of type kprobe: ") || explainPMU(err) != errNoKprobes {
		t.Error(err)
	}
}

func TestExplainLoad(t *testing.T) {
	if got := explainLoad(ebpf.Kprobe, unix.EPERM); got.Error() != notPermitted().Error() {
		t.Error(got)
	}
	if got := explainLoad(ebpf.Kprobe, unix.EINVAL); got.Error() != "the kernel refused a program of type Kprobe: invalid argument" {
		t.Error(got)
	}
}
