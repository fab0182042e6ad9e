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
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// complaint matches a line of the kernel's log that reports a fault in the kernel. It excludes all lines "BUG: s…":
// soft lockups are normal on a slow emulated machine, but other reports, such as "BUG: sleeping function" and "BUG:
// scheduling while atomic", are not found either.
var complaint = regexp.MustCompile(`(?m)^(?:<\d+>)?\[[ .\d]+\] (?:BUG: [^s].*|Oops: .*|general protection fault.*|kernel BUG .*|Internal error: .*|Unable to handle kernel .*)$`)

// kernelLog returns the kernel's log buffer.
func kernelLog() ([]byte, error) {
	log := make([]byte, 1<<20)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, log)
	if err != nil {
		return nil, fmt.Errorf("the kernel's log: %w", err)
	}
	return log[:n], nil
}

// complaints returns all complaints in the kernel's log.
func complaints() ([][]byte, error) {
	log, err := kernelLog()
	return complaint.FindAll(log, -1), err
}

// checkKernelLog returns an error if the log of a machine that is used only for the tests has complaints.
func checkKernelLog() error {
	if !isDedicated() {
		return nil
	}
	list, err := complaints()
	if err == nil && len(list) > 0 {
		err = fmt.Errorf("the kernel complained: %s", bytes.Join(list, []byte("; ")))
	}
	return err
}

// TestKernelFaultPattern checks which lines of the kernel's log are complaints.
func TestKernelFaultPattern(t *testing.T) {
	for line, want := range map[string]bool{
		"<1>[    8.123948] BUG: kernel NULL pointer dereference, address: 0000000000000000": true,
		"[    8.124052] Oops: Oops: 0000 [#1] SMP NOPTI":                                    true,
		"<1>[   12.000001] Unable to handle kernel paging request at virtual address 10":    true,
		"<0>[   99.124052] BUG: soft lockup - CPU#0 stuck for 23s!":                         false,
		"<6>[    2.357180] clocksource: Switched to clocksource tsc":                        false,
	} {
		if got := complaint.MatchString(line); got != want {
			t.Errorf("%q: a complaint: %t, want %t", line, got, want)
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
