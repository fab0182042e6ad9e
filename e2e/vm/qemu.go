// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tracer/e2e/boot"
)

// board holds the QEMU settings for one architecture.
type board struct {
	program string
	// machine and cpu are the arguments of -M and -cpu: max,-cx16 on amd64, because QEMU 7.2 corrupts
	// flags in cmpxchg16b (random early panics), and cortex-a72 on arm64, because pointer
	// authentication, which max has, halves the speed.
	machine, cpu string
	// without disables CPU features that are slow in emulation. If the CPU has AVX and ERMS, Go uses them to
	// search and copy memory, and the start of tracer takes twice as long.
	without    string
	kernelArgs string
}

var boards = map[string]board{
	"amd64": {
		program: "qemu-system-x86_64", machine: "q35", cpu: "max,-cx16", without: ",-avx,-avx2,-erms,-fsrm",
		kernelArgs: "console=ttyS0 no_timer_check tsc=reliable reboot=t i8042.noaux i8042.nokbd",
	},
	"arm64": {
		program: "qemu-system-aarch64", machine: "virt", cpu: "cortex-a72",
		kernelArgs: "console=ttyAMA0",
	},
	"riscv64": {
		program: "qemu-system-riscv64", machine: "virt", cpu: "rv64",
		kernelArgs: "console=ttyS0",
	},
	"s390x": {
		program: "qemu-system-s390x", machine: "s390-ccw-virtio", cpu: "max",
		kernelArgs: "console=ttysclp0",
	},
	// The emulator does not support the mitigations of cache side channels, so these capabilities must be "broken".
	"ppc64le": {
		program: "qemu-system-ppc64", machine: "pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off", cpu: "power9",
		kernelArgs: "console=hvc0",
	},
}

// memory is the size of the memory of each machine. It must be enough for the initramfs, and for ten tracers that start
// at the same time and use up to 90 MiB each.
const memory = "1536M"

// quickBoot are kernel arguments that disable what is slow in an emulated machine and not tested.
const quickBoot = "panic=-1 quiet loglevel=3 mitigations=off cryptomgr.notests" +
	" random.trust_cpu=on audit=0 rcupdate.rcu_expedited=1"

// files are the paths that one run of QEMU reads and writes.
type files struct {
	kernel, initrd, results, output string
}

// qemu returns the command that boots the machine, with the console on standard output.
func (c *Config) qemu(f files) (*exec.Cmd, error) {
	b, ok := boards[c.Kernel.Arch]
	if !ok {
		return nil, fmt.Errorf("no virtual machine for architecture %q", c.Kernel.Arch)
	}
	program, err := findEmulator(b.program)
	if err != nil {
		return nil, fmt.Errorf("%w: run make, which installs it", err)
	}
	return exec.Command(program, c.arguments(b, f)...), nil
}

// findEmulator returns the emulator in the cache if there is one, since it is newer than the system's.
func findEmulator(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	if newer := filepath.Join(cache, "tracer", "emulators", name); isFile(newer) {
		return newer, nil
	}
	return exec.LookPath(name)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func (c *Config) arguments(b board, f files) []string {
	cpu := b.cpu + b.without
	accelerator := []string{"-accel", "tcg,thread=multi", "-smp", fmt.Sprint(c.cpus())}
	if c.Counting {
		cpu = b.cpu // with the slow features, since only the number of instructions matters
		accelerator = []string{"-icount", "shift=1,sleep=off", "-accel", "tcg,thread=single", "-smp", "1"}
	}
	return append(accelerator,
		"-M", b.machine, "-cpu", cpu, "-m", memory,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
		"-serial", "stdio",
		"-kernel", f.kernel, "-initrd", f.initrd, "-append", strings.Join([]string{b.kernelArgs, quickBoot, c.Args}, " "),
		"-device", "virtio-serial",
		"-chardev", "file,id=results,path="+f.results,
		"-device", "virtserialport,chardev=results,name="+boot.ResultsPort,
		"-chardev", "file,id=output,path="+f.output,
		"-device", "virtserialport,chardev=output,name="+boot.OutputPort,
	)
}
