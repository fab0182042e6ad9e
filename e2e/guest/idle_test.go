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

// TestIdleUsesNoCPU: a tracer whose packets do not come hardly runs. How often it does is
// counted, as what each time takes is up to the machine; that it does not run all the time
// without a pause is seen by the time.
func TestIdleUsesNoCPU(t *testing.T) {
	const (
		watched = 2 * time.Second
		most    = 400
	)
	n := ktest.NewNetns(t, "a")
	p := start(t, "--filter-func", few(), "--filter-netns", n.Path, "udp and dst port 7777")
	time.Sleep(time.Second / 2) // for what getting ready leaves behind
	before, woken := p.cpu(), p.wakeUps()
	time.Sleep(watched)
	used, woken := p.cpu()-before, p.wakeUps()-woken
	t.Logf("%v in %v, woken %d times", used, watched, woken)
	if used > watched/2 || woken > most {
		t.Errorf("%v of CPU time in %v without an event, woken %d times", used, watched, woken)
	}
	p.stop()
}

// wakeUps is how often the tracer has waited for something that came. The thread that has
// done so most often is left out: it is the Go runtime's monitor, which looks around some ten
// times in a row each time that another thread has run.
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

// cpu is the time that the tracer has run, in user space and in the kernel.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	const (
		tick         = time.Second / 100
		user, system = 11, 12 // behind the name, which may have blanks
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
