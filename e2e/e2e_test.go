// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"tracer/e2e/boot"
	"tracer/e2e/vm"
)

// limit returns the timeout of one machine: 60 minutes plus the duration of the soak test (SOAK), if that is set.
func limit(t *testing.T) time.Duration {
	t.Helper()
	const usual = 60 * time.Minute
	text := os.Getenv("SOAK")
	if text == "" {
		return usual
	}
	soak, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return usual + soak
}

// resultsFolder is the folder of the machines' results. It is not deleted after the run.
const resultsFolder = "../build/e2e"

func TestKernels(t *testing.T) {
	list := wanted(t)
	built := build(t, list)
	report := newReport(list)
	t.Cleanup(func() { report.publish(t) })
	t.Parallel() // runs at the same time as TestCost
	runs := startAll(t, list, built, newProgress(os.Stdout, os.Getenv("TRACER_E2E"), list, cap(slots())))
	for i, m := range list {
		t.Run(m.name(), func(t *testing.T) {
			<-runs[i].done
			runs[i].check(t, report)
		})
	}
}

// slots is a semaphore for the number of machines that run in parallel (go test -parallel).
var slots = sync.OnceValue(func() chan struct{} {
	n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String())
	if err != nil {
		panic(err)
	}
	return make(chan struct{}, n)
})

// withSlot waits for a free slot, then runs f.
func withSlot(f func()) {
	slots() <- struct{}{}
	defer func() { <-slots() }()
	f()
}

// machineRun is one run of a machine.
type machineRun struct {
	machine machine
	longest time.Duration
	kernel  *vm.Kernel
	result  *vm.Result
	err     error
	done    chan struct{}
}

// startAll boots the machines. Those that take long are started first, so that the run does not wait for one of them at
// the end.
func startAll(t *testing.T, list []machine, built map[string]programs, p *progress) []*machineRun {
	longest := limit(t)
	runs := make([]*machineRun, len(list))
	queue := make(chan *machineRun, len(list))
	for i, m := range list {
		runs[i] = &machineRun{machine: m, longest: longest, done: make(chan struct{})}
	}
	for _, isLong := range []bool{true, false} {
		for _, r := range runs {
			if r.machine.isLong() == isLong {
				queue <- r
			}
		}
	}
	close(queue)
	for range cap(slots()) {
		go func() {
			for r := range queue {
				withSlot(func() { r.run(t.Context(), built[r.machine.arch], p) })
				close(r.done)
			}
		}()
	}
	return runs
}

func (r *machineRun) folder() string { return filepath.Join(resultsFolder, r.machine.name()) }

func (r *machineRun) run(ctx context.Context, built programs, p *progress) {
	began := time.Now()
	r.boot(ctx, built)
	p.add(r.machine, time.Since(began), r.err, r.code(), r.log())
}

// code returns the exit code of the tests in the machine, or 0 without a result.
func (r *machineRun) code() int {
	if r.result == nil {
		return 0
	}
	return r.result.Code
}

// log returns the output of the tests in the machine so far.
func (r *machineRun) log() string {
	text, _ := os.ReadFile(filepath.Join(r.folder(), "output.log"))
	return string(text)
}

func (r *machineRun) boot(ctx context.Context, p programs) {
	if r.kernel, r.err = vm.FindKernel(r.machine.series, r.machine.arch); r.err != nil {
		return
	}
	if r.err = os.RemoveAll(r.folder()); r.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.longest)
	defer cancel()
	r.result, r.err = vm.Run(ctx, config(r.machine, r.kernel, p, r.folder(), r.longest))
}

// check reports the tests in the machine as subtests of t.
func (r *machineRun) check(t *testing.T, report *report) {
	if r.err != nil {
		t.Fatalf("%v\noutput of the tests until then:\n%s", r.err, r.log())
	}
	t.Logf("%s: %.1f s to boot, %.1f s of tests", r.kernel.Release, r.result.Boot.Seconds(), r.result.Run.Seconds())
	outcome := readOutcome(t, r.folder())
	report.add(r.machine, r.kernel.Release, r.result, outcome)
	outcome.check(t, r.machine, r.result.Code)
}

func config(m machine, k *vm.Kernel, p programs, folder string, longest time.Duration) vm.Config {
	const bin = boot.Root + "/bin"
	return vm.Config{
		Kernel:  k,
		Init:    p.init,
		Files:   map[string]string{bin + "/tracer": p.tracer, bin + "/guest.test": p.tests},
		Modules: m.modules(),
		Command: []string{bin + "/guest.test", "-test.v", "-test.timeout=" + longest.String(), "-test.run=" + m.tests, "-test.skip=" + m.skip()},
		Env: append(m.flags(),
			"PATH="+bin, "HOME=/root", "TMPDIR=/tmp",
			"TRACER="+bin+"/tracer", "BACKENDS="+m.backends,
			"RESULTS="+boot.Results, "MODULES="+boot.Modules,
			"SOAK="+os.Getenv("SOAK"), "PACKETS="+os.Getenv("PACKETS"),
			"SEED="+os.Getenv("SEED"),
		),
		Results: folder,
		CPUs:    m.cpus,
		Args:    m.kernelArgs,
	}
}
