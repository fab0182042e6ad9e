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

// limit ends a machine that hangs; a soak that was asked for (SOAK) comes on top.
func limit(t *testing.T) time.Duration {
	t.Helper()
	const usual = 45 * time.Minute
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

// kept is where the machines' results stay, for a look at them afterwards.
const kept = "../build/e2e"

func TestKernels(t *testing.T) {
	list := wanted(t)
	built := build(t, list)
	report := newReport(list)
	t.Cleanup(func() { report.publish(t) })
	t.Parallel() // beside TestCost
	visits := visitAll(t, list, built, newProgress(os.Stdout, os.Getenv("TRACER_E2E"), list, cap(places())))
	for i, m := range list {
		t.Run(m.name(), func(t *testing.T) {
			<-visits[i].over
			visits[i].judge(t, report)
		})
	}
}

// places are for as many machines as run at a time (go test -parallel).
var places = sync.OnceValue(func() chan struct{} {
	n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String())
	if err != nil {
		panic(err)
	}
	return make(chan struct{}, n)
})

// inPlace runs f when there is a place for its machine.
func inPlace(f func()) {
	places() <- struct{}{}
	defer func() { <-places() }()
	f()
}

// visit is one run of a machine.
type visit struct {
	machine machine
	longest time.Duration
	kernel  *vm.Kernel
	ended   *vm.Result
	err     error
	over    chan struct{}
}

// visitAll boots the machines, those first that take longest: what begins last should not
// run on alone.
func visitAll(t *testing.T, list []machine, built map[string]programs, p *progress) []*visit {
	longest := limit(t)
	visits := make([]*visit, len(list))
	queue := make(chan *visit, len(list))
	for i, m := range list {
		visits[i] = &visit{machine: m, longest: longest, over: make(chan struct{})}
	}
	for _, isLong := range []bool{true, false} {
		for _, v := range visits {
			if v.machine.isLong() == isLong {
				queue <- v
			}
		}
	}
	close(queue)
	for range cap(places()) {
		go func() {
			for v := range queue {
				inPlace(func() { v.run(t.Context(), built[v.machine.arch], p) })
				close(v.over)
			}
		}()
	}
	return visits
}

func (v *visit) folder() string { return filepath.Join(kept, v.machine.name()) }

func (v *visit) run(ctx context.Context, built programs, p *progress) {
	began := time.Now()
	v.boot(ctx, built)
	p.add(v.machine, time.Since(began), v.err, v.log())
}

// log is what the tests in the machine have said so far.
func (v *visit) log() string {
	text, _ := os.ReadFile(filepath.Join(v.folder(), "output.log"))
	return string(text)
}

func (v *visit) boot(ctx context.Context, p programs) {
	if v.kernel, v.err = vm.FindKernel(v.machine.series, v.machine.arch); v.err != nil {
		return
	}
	if v.err = os.RemoveAll(v.folder()); v.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, v.longest)
	defer cancel()
	v.ended, v.err = vm.Run(ctx, config(v.machine, v.kernel, p, v.folder(), v.longest))
}

// judge makes the tests in the machine subtests of t.
func (v *visit) judge(t *testing.T, report *report) {
	if v.err != nil {
		t.Fatalf("%v\nuntil then the tests said:\n%s", v.err, v.log())
	}
	t.Logf("%s: %.1f s to boot, %.1f s of tests", v.kernel.Release, v.ended.Boot.Seconds(), v.ended.Run.Seconds())
	outcome := readOutcome(t, v.folder())
	report.add(v.machine, v.kernel.Release, v.ended, outcome)
	outcome.check(t, v.machine, v.ended.Code)
}

func config(m machine, k *vm.Kernel, p programs, folder string, longest time.Duration) vm.Config {
	const bin = boot.Root + "/bin"
	return vm.Config{
		Kernel:  k,
		Init:    p.init,
		Files:   map[string]string{bin + "/tracer": p.tracer, bin + "/guest.test": p.tests},
		Modules: modules,
		Command: []string{bin + "/guest.test", "-test.v", "-test.timeout=" + longest.String(), "-test.run=" + m.tests, "-test.skip=" + m.skip()},
		Env: append(m.flags(),
			"PATH="+bin, "HOME=/root", "TMPDIR=/tmp",
			"TRACER="+bin+"/tracer", "BACKENDS="+m.backends,
			"RESULTS="+boot.Results, "MODULES="+boot.Modules,
			"SOAK="+os.Getenv("SOAK"), "KILLS="+os.Getenv("KILLS"),
		),
		Results: folder,
		CPUs:    m.cpus,
		Args:    m.kernelArgs,
	}
}
