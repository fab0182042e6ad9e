// SPDX-License-Identifier: Apache-2.0

// Command meter measures what tracing costs on the kernel that it runs on: it starts each
// subject in turn (nothing, the floor, tracer, and pwru where there is one), puts the same
// load on all of them, and writes down what it sees as samples in JSON.
//
// It says nothing of what is good: see e2e/bench, which runs it in virtual machines that
// count instructions, and makes the table.
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

// settings are what the command line asks for.
type settings struct {
	tracer, pwru string
	backends     []string
	out          string
	rounds       int
	exchanges    int
	idle         time.Duration
	brief        bool
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
	fs.StringVar(&s.tracer, "tracer", "", "the tracer to be measured")
	fs.StringVar(&s.pwru, "pwru", "", "a pwru to be measured beside it")
	backends := fs.String("backends", "", "backends, separated by commas")
	fs.StringVar(&s.out, "out", "", "the file for the samples")
	fs.IntVar(&s.rounds, "rounds", 3, "how often each is started")
	fs.IntVar(&s.exchanges, "exchanges", 2000, "exchanges in one measurement")
	fs.DurationVar(&s.idle, "idle", time.Minute, "for how long nothing is sent")
	fs.BoolVar(&s.brief, "brief", false, "the cost of a filter that never matches alone")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	s.backends = strings.FieldsFunc(*backends, func(r rune) bool { return r == ',' })
	if s.tracer == "" || s.out == "" || len(s.backends) == 0 || fs.NArg() > 0 {
		return s, errors.New("usage: meter -tracer FILE -out FILE -backends LIST [-pwru FILE] [-rounds N] [-exchanges N] [-idle TIME]")
	}
	return s, nil
}

// meter gathers samples.
type meter struct {
	settings
	samples []cost.Sample
}

// write leaves what was measured until something went wrong, too.
func (m *meter) write() error {
	b, err := json.MarshalIndent(m.samples, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(m.out, append(b, '\n'), 0o644)
}

// gone waits for the end of a process.
func gone(p *os.Process) (time.Duration, error) {
	began := time.Now()
	if err := p.Signal(syscall.SIGINT); err != nil {
		return 0, err
	}
	_, err := p.Wait()
	return time.Since(began), err
}
