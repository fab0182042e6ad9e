// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// TestAttachAtClosesOnFailure attaches to a file descriptor that is not a perf event.
func TestAttachAtClosesOnFailure(t *testing.T) {
	ktest.Root(t)
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R0, 0), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	link, err := (&perfEvent{fd}).attachAt("kretprobe", 0xabc, program)
	if link != nil || err == nil || err.Error() != "attach to kretprobe at 0xabc: inappropriate ioctl for device" {
		t.Errorf("link %v, error %v", link, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("the descriptor is still open (%v)", err)
	}
}
