// SPDX-License-Identifier: Apache-2.0

// Package cost runs e2e/meter in a virtual machine that counts instructions, or on the running kernel, and compares
// the results.
package cost

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"tracer/e2e/boot"
	"tracer/e2e/vm"
)

// Machine is a kernel on which to measure, with a comma-separated list of backends. The series Here means the running
// kernel.
type Machine struct{ Series, Arch, Backends string }

// Here is the series of the running kernel.
const Here = "here"

// Machines are the machines of the published table.
var Machines = []Machine{
	{"6.1", "amd64", "kprobe"},
	{"6.12", "amd64", "kprobe-multi"},
	{"6.18", "amd64", "kprobe-multi"},
	{"7", "amd64", "kprobe-multi"},
	{"6.18", "arm64", "kprobe-multi"},
	{Here, runtime.GOARCH, "tracepoint"},
}

// Name returns a name such as 6.12-amd64.
func (m Machine) Name() string { return m.Series + "-" + m.Arch }

// Named returns the machines of a list such as 6.12-amd64,6.12-amd64:kprobe, or [Machines]
// for an empty list.
func Named(list string) ([]Machine, error) {
	if list == "" {
		return Machines, nil
	}
	var wanted []Machine
	for word := range strings.SplitSeq(list, ",") {
		name, backends, forced := strings.Cut(word, ":")
		series, arch, ok := strings.Cut(name, "-")
		if !ok {
			return nil, fmt.Errorf("machine %q: want SERIES-ARCH", word)
		}
		m := Machine{series, arch, "kprobe"}
		if i := slices.IndexFunc(Machines, func(m Machine) bool { return m.Name() == name }); i >= 0 {
			m = Machines[i]
		}
		if forced {
			m.Backends = backends
		}
		wanted = append(wanted, m)
	}
	return wanted, nil
}

// Settings are the settings of a measurement. Paths are relative to Root, the repository's folder.
type Settings struct {
	Root string
	// Pwru is a static pwru for amd64 to compare with; empty means none.
	Pwru string
	// Results is the folder for the results of the machines.
	Results string
	// Commit is the commit that tracer was built from.
	Commit string
	// Rounds is the number of times that each subject is started, Exchanges the number of exchanges per
	// measurement, and Idle the duration of the idle measurement; 0 skips it.
	Rounds, Exchanges int
	Idle              time.Duration
	// Subjects are the subjects to measure.
	Subjects Subjects
}

// Subjects is a choice of the subjects to measure, beside nothing and the floor.
type Subjects string

const (
	// All are all subjects, and the memory and output of their processes.
	All Subjects = "all"
	// Causes are tracer --drop without causes, with those of each family, and with all.
	Causes Subjects = "causes"
	// Brief are those of TestCost.
	Brief Subjects = "brief"
)

// SubjectsNamed returns the choice with a name.
func SubjectsNamed(name string) (Subjects, error) {
	if s := Subjects(name); s == All || s == Causes || s == Brief {
		return s, nil
	}
	return "", fmt.Errorf("subjects %q: want %s, %s or %s", name, All, Causes, Brief)
}

// Figures are the samples of one kernel.
type Figures struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	// Counted is true if the clock counted instructions, 2 ns each.
	Counted bool     `json:"counted"`
	Commit  string   `json:"commit"`
	Samples []Sample `json:"samples"`
}

// Measure measures one machine.
func (s Settings) Measure(ctx context.Context, m Machine) (Figures, error) {
	f := Figures{Arch: m.Arch, Commit: s.Commit}
	folder, err := os.MkdirTemp("", "tracer-bench")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(folder)
	meter := filepath.Join(folder, "meter")
	if err := vm.Build(m.Arch, "build", "-ldflags=-s -w", "-o", meter, "tracer/e2e/meter"); err != nil {
		return f, err
	}
	measure := s.measureInVM
	if m.Series == Here {
		measure = s.measureHere
	}
	b, err := measure(ctx, m, &f, meter, folder)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(b, &f.Samples)
}

func (s Settings) measureHere(ctx context.Context, m Machine, f *Figures, meter, folder string) ([]byte, error) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil, err
	}
	f.Kernel = strings.TrimSpace(string(release))
	tracer, err := filepath.Abs(s.tracer(m.Arch)) // exec would look up a bare name in PATH
	if err != nil {
		return nil, err
	}
	out := filepath.Join(folder, "samples.json")
	cmd := exec.CommandContext(ctx, meter, s.arguments(m, tracer, s.Pwru, out)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

func (s Settings) measureInVM(ctx context.Context, m Machine, f *Figures, meter, folder string) ([]byte, error) {
	kernel, err := vm.FindKernel(m.Series, m.Arch)
	if err != nil {
		return nil, err
	}
	f.Kernel, f.Counted = kernel.Release, true
	init := filepath.Join(folder, "init")
	if err := vm.Build(m.Arch, "build", "-ldflags=-s -w", "-o", init, "tracer/e2e/init"); err != nil {
		return nil, err
	}
	const bin = boot.Root + "/bin/"
	files := map[string]string{bin + "meter": meter, bin + "tracer": s.tracer(m.Arch)}
	pwru := ""
	if s.Pwru != "" && m.Arch == "amd64" {
		pwru, files[bin+"pwru"] = bin+"pwru", s.Pwru
	}
	results := filepath.Join(s.Results, m.Name())
	ended, err := vm.Run(ctx, vm.Config{
		Kernel: kernel, Init: init, Files: files, Results: results, Counting: true,
		Command: append([]string{bin + "meter"}, s.arguments(m, bin+"tracer", pwru, boot.Results+"/samples.json")...),
		Env:     []string{"PATH=" + boot.Root + "/bin", "HOME=/root", "TMPDIR=/tmp"},
	})
	if err != nil {
		return nil, err
	}
	if ended.Code != 0 {
		said, _ := os.ReadFile(filepath.Join(results, "output.log"))
		return nil, fmt.Errorf("ended with %d: %s", ended.Code, said)
	}
	return os.ReadFile(filepath.Join(results, "samples.json"))
}

// arguments returns the arguments of the meter.
func (s Settings) arguments(m Machine, tracer, pwru, out string) []string {
	return []string{
		"-tracer", tracer, "-pwru", pwru, "-backends", m.Backends, "-out", out,
		"-rounds", fmt.Sprint(s.Rounds), "-exchanges", fmt.Sprint(s.Exchanges), "-idle", s.Idle.String(),
		"-subjects", string(cmp.Or(s.Subjects, All)),
	}
}

// tracer returns the path where make puts the binary for an architecture.
func (s Settings) tracer(arch string) string {
	if arch == runtime.GOARCH {
		return filepath.Join(s.Root, "tracer")
	}
	return filepath.Join(s.Root, "build", arch, "tracer")
}
