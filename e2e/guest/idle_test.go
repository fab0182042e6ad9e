// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestIdleUsesNoCPU checks that tracer is nearly idle without matching packets. It limits the number of wake-ups, since
// the CPU time of a wake-up depends on the machine, and the CPU time, to detect a busy loop.
func TestIdleUsesNoCPU(t *testing.T) {
	const (
		watched = 2 * time.Second
		most    = 400
	)
	n := ktest.NewNetns(t, "a")
	p := start(t, "--filter-func", few(), "--filter-netns", n.Path, "udp and dst port 7777")
	time.Sleep(time.Second / 2) // until the work of the start has ended
	before, woken := p.cpu(), p.wakeUps()
	time.Sleep(watched)
	used, woken := p.cpu()-before, p.wakeUps()-woken
	t.Logf("%v in %v, woken %d times", used, watched, woken)
	if used > watched/2 || woken > most {
		t.Errorf("%v of CPU time in %v without an event, woken %d times", used, watched, woken)
	}
	p.stop()
}

// wakeUps returns the number of voluntary context switches of tracer. It excludes the thread with the most:
// that is the Go runtime's monitor (sysmon), which wakes up about ten times in a row each time that another
// thread has run.
func (p *process) wakeUps() int {
	p.t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/task/*/status")
	if err != nil || len(tasks) == 0 {
		p.t.Fatalf("no tasks: %v", err)
	}
	sum, monitor := 0, 0
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		_, behind, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		n, err := strconv.Atoi(strings.Fields(behind + " none")[0])
		if err != nil {
			p.t.Fatalf("%s: %v", status, err)
		}
		sum += n
		monitor = max(monitor, n)
	}
	return sum - monitor
}

// cpu returns tracer's CPU time in user and kernel mode.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	const (
		tick         = time.Second / 100
		user, system = 11, 12 // fields after the name, which may contain blanks
	)
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		p.t.Fatal(err)
	}
	_, behind, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(behind)
	ticks := 0
	for _, field := range []int{user, system} {
		n, err := strconv.Atoi(fields[field])
		if err != nil {
			p.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}
