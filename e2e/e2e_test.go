// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracer/e2e/boot"
	"tracer/e2e/vm"
)

// limit ends a machine that hangs; a soak that was asked for (SOAK) comes on top.
func limit(t *testing.T) time.Duration {
	t.Helper()
	const usual = 30 * time.Minute
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
	for _, m := range list {
		t.Run(m.name(), func(t *testing.T) {
			t.Parallel()
			run(t, m, built[m.arch], report)
		})
	}
}

// run boots one machine and makes its tests subtests of t.
func run(t *testing.T, m machine, p programs, report *report) {
	kernel, err := vm.FindKernel(m.series, m.arch)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(kept, m.name())
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	longest := limit(t)
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	ended, err := vm.Run(ctx, config(m, kernel, p, folder, longest))
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "output.log"))
		t.Fatalf("%v\nuntil then the tests said:\n%s", err, log)
	}
	t.Logf("%s: %.1f s to boot, %.1f s of tests", kernel.Release, ended.Boot.Seconds(), ended.Run.Seconds())
	outcome := readOutcome(t, folder)
	report.add(m, kernel.Release, ended, outcome)
	outcome.check(t, m, ended.Code)
}

func config(m machine, k *vm.Kernel, p programs, folder string, longest time.Duration) vm.Config {
	const bin = boot.Root + "/bin"
	return vm.Config{
		Kernel:  k,
		Init:    p.init,
		Files:   map[string]string{bin + "/tracer": p.tracer, bin + "/guest.test": p.tests},
		Modules: modules,
		Command: []string{bin + "/guest.test", "-test.v", "-test.timeout=" + longest.String(), "-test.run=" + m.tests, "-test.skip=" + m.skip()},
		Env: []string{
			"PATH=" + bin, "HOME=/root", "TMPDIR=/tmp",
			"TRACER=" + bin + "/tracer", "BACKENDS=" + m.backends,
			"RESULTS=" + boot.Results, "MODULES=" + boot.Modules,
			"SOAK=" + os.Getenv("SOAK"), "BRIEF=" + m.brief(),
		},
		Results: folder,
		CPUs:    m.cpus,
		Args:    m.kernelArgs,
	}
}
