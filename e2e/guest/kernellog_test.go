// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// faultLine matches a line of the kernel's log that reports a fault in the kernel. With CONFIG_PRINTK_CALLER, a line
// also has the thread or CPU that logged it. softLockup matches those of these lines that are normal on a slow
// emulated machine.
var (
	faultLine  = regexp.MustCompile(`(?m)^(?:<\d+>)?\[[ .\d]+\](?:\[ *[TC]\d+\])? (?:BUG: .*|Oops: .*|general protection fault.*|kernel BUG .*|Internal error: .*|Unable to handle kernel .*)$`)
	softLockup = regexp.MustCompile(` BUG: soft lockup - `)
)

// kernelLog returns the kernel's log buffer.
func kernelLog() ([]byte, error) {
	log := make([]byte, 1<<20)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, log)
	if err != nil {
		return nil, fmt.Errorf("the kernel's log: %w", err)
	}
	return log[:n], nil
}

// faults returns the lines of a log that report a fault in the kernel.
func faults(log []byte) [][]byte {
	return slices.DeleteFunc(faultLine.FindAll(log, -1), softLockup.Match)
}

// checkKernelLog returns an error if the log of a machine that is used only for the tests has faults.
func checkKernelLog() error {
	if !isDedicated() {
		return nil
	}
	log, err := kernelLog()
	if list := faults(log); err == nil && len(list) > 0 {
		err = fmt.Errorf("the kernel complained: %s", bytes.Join(list, []byte("; ")))
	}
	return err
}

// TestKernelFaults checks which lines of the kernel's log report a fault, each alone and among others.
func TestKernelFaults(t *testing.T) {
	const other = "<6>[    2.357180] clocksource: Switched to clocksource tsc\n"
	for line, want := range map[string]int{
		"<1>[    8.123948] BUG: kernel NULL pointer dereference, address: 0000000000000000":             1,
		"[    8.124052] Oops: Oops: 0000 [#1] SMP NOPTI":                                                1,
		"<1>[   12.000001] Unable to handle kernel paging request at virtual address 10":                1,
		"<3>[   12.000002] BUG: scheduling while atomic: tracer/711/0x00000002":                         1,
		"<3>[   12.000003] BUG: sleeping function called from invalid context at mm/slab.h:393":         1,
		"<0>[   12.000004] BUG: spinlock recursion on CPU#0, tracer/711":                                1,
		"<0>[   12.000005] BUG: stack guard page was hit at 00000000f3a1a1d5":                           1,
		"<3>[   12.000007][  T711] BUG: scheduling while atomic: tracer/711/0x00000002":                 1,
		"<1>[   12.000008][    C0] Unable to handle kernel NULL pointer dereference at virtual address": 1,
		"<0>[   99.124052] BUG: soft lockup - CPU#0 stuck for 23s! [tracer:711]":                        0,
		"<0>[   99.124053][    C0] BUG: soft lockup - CPU#0 stuck for 23s! [tracer:711]":                0,
		"<0>[   99.124054] watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [tracer:711]":              0,
		"<6>[    2.357181] tracer: no BUG: here":                                                        0,
	} {
		for _, log := range []string{line, other + line + "\n" + other} {
			if got := faults([]byte(log)); len(got) != want || want == 1 && string(got[0]) != line {
				t.Errorf("%q: faults %q, want %d", log, got, want)
			}
		}
	}
}

// readerEnv is the environment variable that makes the test binary a reader of files.
const readerEnv = "TRACER_E2E_READ"

// readerMain is called at the start of TestMain. In the reader process it reads the files in its arguments, and
// exits. It ignores missing files, since a descriptor may be closed after it was listed.
func readerMain() {
	if os.Getenv(readerEnv) == "" {
		return
	}
	for _, name := range os.Args[1:] {
		if _, err := os.ReadFile(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}

// TestFdinfoIsReadable reads the fdinfo of all descriptors of tracer, as bpftool and monitoring agents do. The
// kernel may dereference a null pointer there if a link has no cookies (seen on 6.18), so a separate
// process reads them, which may be killed or hang.
func TestFdinfoIsReadable(t *testing.T) {
	eachReturnWay(t, func(t *testing.T, way returnWay) {
		p := command{args: append(way.flags(), "--filter-func", "icmp_.*", "--output-json", "icmp")}.start(t)
		p.awaitReady()
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", p.cmd.Process.Pid))
		if err != nil || len(files) < 4 {
			t.Fatalf("%d descriptors: %v", len(files), err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		reader := exec.CommandContext(ctx, "/proc/self/exe", files...)
		reader.Env, reader.WaitDelay = append(os.Environ(), readerEnv+"=1"), time.Second
		if said, err := reader.CombinedOutput(); err != nil {
			t.Errorf("%d files: %v: %s", len(files), err, said)
		}
		p.stop()
	})
}
