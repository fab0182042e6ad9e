// SPDX-License-Identifier: Apache-2.0

// Command bench measures tracer in virtual machines that count instructions, and by its
// tracepoints on the kernel that it runs on, beside a program that does nothing on the same
// functions and beside a pwru where there is one. It makes one table and one file with
// every single figure. Run it by make bench.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tracer/e2e/boot"
	"tracer/e2e/vm"
)

// machine is a kernel to be measured.
type machine struct {
	series, arch string
	backends     string
}

// machines are measured unless others are named.
var machines = []machine{
	{"6.1", "amd64", "kprobe"},
	{"6.12", "amd64", "kprobe-multi"},
	{"6.18", "amd64", "kprobe-multi"},
	{"7", "amd64", "kprobe-multi"},
	{"6.18", "arm64", "kprobe-multi"},
	{"here", runtime.GOARCH, "tracepoint"},
}

func (m machine) name() string { return m.series + "-" + m.arch }

// settings are what the command line asks for.
type settings struct {
	pwru      string
	out       string
	commit    string
	rounds    int
	exchanges int
	idle      time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var s settings
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&s.pwru, "pwru", "", "a static pwru for amd64 to be measured beside")
	fs.StringVar(&s.out, "out", "build/bench", "the folder for table.md and figures.json")
	fs.StringVar(&s.commit, "commit", "", "the commit that tracer was built of")
	fs.IntVar(&s.rounds, "rounds", 3, "how often each is started")
	fs.IntVar(&s.exchanges, "exchanges", 2000, "exchanges in one measurement")
	fs.DurationVar(&s.idle, "idle", time.Minute, "for how long nothing is sent")
	list := fs.String("machines", "", "kernels such as 6.12-amd64, or here-"+runtime.GOARCH+" for this one; a backend may follow a colon")
	if err := fs.Parse(args); err != nil {
		return err
	}
	wanted, err := named(*list)
	if err != nil {
		return err
	}
	var all []figures
	for _, m := range wanted {
		f, err := s.measure(ctx, m)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", m.name(), err), s.publish(all))
		}
		all = append(all, f)
		if err := s.publish(all); err != nil {
			return err
		}
	}
	return nil
}

// named are the machines of a list; of an empty one all.
func named(list string) ([]machine, error) {
	if list == "" {
		return machines, nil
	}
	var wanted []machine
	for word := range strings.SplitSeq(list, ",") {
		name, backends, forced := strings.Cut(word, ":")
		series, arch, ok := strings.Cut(name, "-")
		if !ok {
			return nil, fmt.Errorf("machine %q: want SERIES-ARCH", word)
		}
		m := machine{series, arch, "kprobe"}
		for _, known := range machines {
			if known.name() == name {
				m = known
			}
		}
		if forced {
			m.backends = backends
		}
		wanted = append(wanted, m)
	}
	return wanted, nil
}

// figures are the samples of one kernel.
type figures struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	// Counted says that times are numbers of instructions, 2 ns each.
	Counted bool     `json:"counted"`
	Commit  string   `json:"commit"`
	Samples []sample `json:"samples"`
}

// sample is what e2e/meter writes.
type sample struct {
	Backend string  `json:"backend"`
	Measure string  `json:"measure"`
	Subject string  `json:"subject"`
	Filter  string  `json:"filter"`
	Round   int     `json:"round"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
}

func (s settings) measure(ctx context.Context, m machine) (figures, error) {
	f := figures{Arch: m.arch, Commit: s.commit}
	folder, err := os.MkdirTemp("", "tracer-bench")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(folder)
	meter := filepath.Join(folder, "meter")
	if err := vm.Build(m.arch, "build", "-o", meter, "./e2e/meter"); err != nil {
		return f, err
	}
	var b []byte
	if m.series == "here" {
		b, err = s.measureHere(ctx, m, &f, meter, filepath.Join(folder, "samples.json"))
	} else {
		b, err = s.measureThere(ctx, m, &f, meter, folder)
	}
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(b, &f.Samples)
}

func (s settings) measureHere(ctx context.Context, m machine, f *figures, meter, out string) ([]byte, error) {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil, err
	}
	f.Kernel = strings.TrimSpace(string(release))
	cmd := exec.CommandContext(ctx, meter, s.arguments(m, tracer(m.arch), s.pwru, out)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

func (s settings) measureThere(ctx context.Context, m machine, f *figures, meter, folder string) ([]byte, error) {
	kernel, err := vm.FindKernel(m.series, m.arch)
	if err != nil {
		return nil, err
	}
	f.Kernel, f.Counted = kernel.Release, true
	init := filepath.Join(folder, "init")
	if err := vm.Build(m.arch, "build", "-ldflags=-s -w", "-o", init, "./e2e/init"); err != nil {
		return nil, err
	}
	const bin = boot.Root + "/bin/"
	files := map[string]string{bin + "meter": meter, bin + "tracer": tracer(m.arch)}
	pwru := ""
	if s.pwru != "" && m.arch == "amd64" {
		pwru, files[bin+"pwru"] = bin+"pwru", s.pwru
	}
	results := filepath.Join(s.out, m.name())
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

// arguments are those of the meter.
func (s settings) arguments(m machine, tracer, pwru, out string) []string {
	return []string{
		"-tracer", tracer, "-pwru", pwru, "-backends", m.backends, "-out", out,
		"-rounds", fmt.Sprint(s.rounds), "-exchanges", fmt.Sprint(s.exchanges), "-idle", s.idle.String(),
	}
}

// tracer is where make puts the binary for an architecture.
func tracer(arch string) string {
	if arch == runtime.GOARCH {
		return "./tracer"
	}
	return filepath.Join("build", arch, "tracer")
}

// publish writes what there is: a run takes long.
func (s settings) publish(all []figures) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	text := table(all)
	fmt.Print(text)
	return errors.Join(
		os.WriteFile(filepath.Join(s.out, "figures.json"), append(b, '\n'), 0o644),
		os.WriteFile(filepath.Join(s.out, "table.md"), []byte(text), 0o644),
	)
}
