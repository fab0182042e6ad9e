// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestIdleUsesNoCPU: a tracer whose packets do not come hardly runs.
func TestIdleUsesNoCPU(t *testing.T) {
	const watched = 2 * time.Second
	n := ktest.NewNetns(t, "a")
	p := start(t, "--filter-func", few(), "--filter-netns", n.Path, "udp and dst port 7777")
	time.Sleep(time.Second / 2) // for what getting ready leaves behind
	before := p.cpu()
	time.Sleep(watched)
	used := p.cpu() - before
	t.Logf("%v in %v", used, watched)
	if used > watched/10 {
		t.Errorf("%v of CPU time in %v without an event", used, watched)
	}
	p.stop()
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
