// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/ktest"
)

// asChild is the environment variable that makes the test binary run child. Capabilities are dropped in a child
// process, since they can't be restored.
const asChild = "TRACER_TEST_DROP"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// waiting is the number of threads that wait in the kernel.
const waiting = 8

// child drops all capabilities but one while threads run, wait in the kernel and start. It prints the
// capabilities of each thread afterwards, and those of a program that it executes.
func child() error {
	for range waiting {
		go func() {
			for {
				_ = exec.Command("/no/such/program").Run()
			}
		}()
		var pipe [2]int
		if err := unix.Pipe(pipe[:]); err != nil {
			return err
		}
		go func() { _, _ = unix.Read(pipe[0], make([]byte, 1)) }()
	}
	for tasks, err := []string(nil), error(nil); len(tasks) <= waiting; time.Sleep(time.Millisecond) {
		if tasks, err = filepath.Glob("/proc/self/task/*"); err != nil {
			return err
		}
	}
	began := time.Now()
	left, err := Drop(kernel.SetOf(unix.CAP_BPF, 63))
	if err != nil {
		return err
	}
	fmt.Printf("left %s\nDrop took %v\n", Names(left), time.Since(began))
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		printRights(status)
	}
	if err != nil {
		return err
	}
	status, err := exec.Command("cat", "/proc/self/status").Output()
	printRights(status)
	return err
}

func printRights(status []byte) {
	fmt.Printf("%s\n", bytes.Join(rights.FindAll(status, -1), []byte(" ")))
}

var rights = regexp.MustCompile(`(?m)^(Cap(?:Inh|Prm|Eff|Amb)|NoNewPrivs):\t\w+$`)

func TestDropOnEveryThread(t *testing.T) {
	ktest.Root(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asChild+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const bpf = "0000008000000000"
	want := "CapInh:\t0000000000000000 CapPrm:\t" + bpf + " CapEff:\t" + bpf + " CapAmb:\t0000000000000000 NoNewPrivs:\t1"
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Log(lines[1])
	if lines[0] != "left CAP_BPF" {
		t.Errorf("%q, want CAP_BPF left", lines[0])
	}
	if threads := len(lines) - 3; threads < waiting {
		t.Errorf("%d threads were checked, want %d or more", threads, waiting)
	}
	for _, line := range lines[2:] {
		if line != want {
			t.Errorf("a thread has %q, want %q", line, want)
		}
	}
}

func TestWithoutRestoresCapabilities(t *testing.T) {
	ktest.Root(t)
	effective := func() kernel.CapabilitySet {
		s, err := ownSets()
		if err != nil {
			t.Fatal(err)
		}
		return s.effective
	}
	before := effective()
	asked := errors.New("asked")
	err := Without(func() error {
		if now := effective(); now != 0 {
			t.Errorf("capabilities %s during the call", Names(now))
		}
		return asked
	})
	if err != asked {
		t.Errorf("error %v, want that of the call", err)
	}
	if after := effective(); after != before || before == 0 {
		t.Errorf("%x before and %x after", before, after)
	}
}

func TestReplacementsAreKept(t *testing.T) {
	for _, tc := range []struct{ permitted, keep, want kernel.CapabilitySet }{
		{kernel.SetOf(unix.CAP_SYS_ADMIN), kernel.SetOf(unix.CAP_BPF), kernel.SetOf(unix.CAP_SYS_ADMIN)},
		{kernel.SetOf(unix.CAP_SYS_ADMIN, unix.CAP_BPF), kernel.SetOf(unix.CAP_BPF), 0},
		{kernel.SetOf(unix.CAP_SYS_ADMIN), kernel.SetOf(unix.CAP_CHOWN), 0},
	} {
		if got := (sets{permitted: tc.permitted}).standIns(tc.keep) & tc.permitted; got != tc.want {
			t.Errorf("of %s for %s: %s is kept, want %s", Names(tc.permitted), Names(tc.keep), Names(got), Names(tc.want))
		}
	}
}

func TestNames(t *testing.T) {
	for want, set := range map[string]kernel.CapabilitySet{
		"none":                         0,
		"CAP_DAC_OVERRIDE, CAP_SYSLOG": kernel.SetOf(unix.CAP_SYSLOG, unix.CAP_DAC_OVERRIDE),
		"capability 60":                kernel.SetOf(60),
	} {
		if got := Names(set); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
