// SPDX-License-Identifier: Apache-2.0

// Command meter measures the cost of tracing on the running kernel: it starts each subject in turn
// (nothing, the floor, tracer, and pwru if a binary is given), applies the same load to all of them,
// and writes the measurements as samples in JSON.
//
// e2e/bench runs it in virtual machines that count instructions, and compares the samples with targets in a table.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tracer/e2e/cost"
)

// settings are the options of the command line.
type settings struct {
	tracer, pwru string
	backends     []string
	out          string
	rounds       int
	exchanges    int
	idle         time.Duration
	choice       cost.Subjects
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "meter:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == "floor" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return runFloor(ctx, args[1:])
	}
	s, err := parse(args)
	if err != nil {
		return err
	}
	m := &meter{settings: s}
	err = m.all()
	return errors.Join(err, m.write())
}

func parse(args []string) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("meter", flag.ContinueOnError)
	fs.StringVar(&s.tracer, "tracer", "", "tracer binary to measure")
	fs.StringVar(&s.pwru, "pwru", "", "pwru binary to compare with")
	backends := fs.String("backends", "", "comma-separated list of backends")
	fs.StringVar(&s.out, "out", "", "file for the samples")
	fs.IntVar(&s.rounds, "rounds", 3, "number of times that each subject is started")
	fs.IntVar(&s.exchanges, "exchanges", 2000, "number of exchanges per measurement")
	fs.DurationVar(&s.idle, "idle", time.Minute, "duration of the idle measurement, in which nothing is sent")
	choice := fs.String("subjects", string(cost.All), "subjects to measure: all, causes or brief")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	var err error
	if s.choice, err = cost.SubjectsNamed(*choice); err != nil {
		return s, err
	}
	s.backends = strings.FieldsFunc(*backends, func(r rune) bool { return r == ',' })
	if s.tracer == "" || s.out == "" || len(s.backends) == 0 || fs.NArg() > 0 {
		return s, errors.New("usage: meter -tracer FILE -out FILE -backends LIST [-pwru FILE] [-rounds N] [-exchanges N] [-idle TIME]")
	}
	return s, nil
}

// meter collects samples.
type meter struct {
	settings
	samples []cost.Sample
}

// write writes the samples. It is also called after an error, to keep the samples measured until then.
func (m *meter) write() error {
	b, err := json.MarshalIndent(m.samples, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(m.out, append(b, '\n'), 0o644)
}

// interrupt sends SIGINT to a process and returns the time until it has exited.
func interrupt(p *os.Process) (time.Duration, error) {
	began := time.Now()
	if err := p.Signal(syscall.SIGINT); err != nil {
		return 0, err
	}
	_, err := p.Wait()
	return time.Since(began), err
}
