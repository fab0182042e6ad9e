// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tracer/e2e/cost"
	"tracer/internal/explain"
)

// subject is a program to measure, with its options.
type subject struct {
	// name is nothing, floor, tracer or pwru.
	name string
	// filter is the packet filter, if any. matches is true if the load matches it.
	filter  string
	matches bool
	// json selects JSON output.
	json bool
	// why are the families of causes of a subject that traces drops; empty for others.
	why string
}

// drops returns a subject that traces drops.
func drops(why, filter string) subject {
	return subject{name: cost.Drops(why), filter: filter, why: why}
}

// subjects returns the subjects of one round, in the order in which they are measured.
func (m *meter) subjects(backend string) []subject {
	list := []subject{{name: cost.Nothing}, {name: cost.Floor}}
	if m.choice != cost.Causes {
		list = append(list, subject{name: cost.Tracer, filter: cost.ByProtocol})
	}
	if m.choice == cost.All {
		list = append(list, traced...)
	}
	list = append(list, drops("all", cost.ByProtocol), drops("all", cost.Everything), drops("none", cost.Everything))
	if m.choice == cost.Brief {
		return list
	}
	for _, family := range explain.Families() {
		list = append(list, drops(family, cost.Everything))
	}
	if m.choice == cost.All && m.pwru != "" && backend != tracepoint {
		list = append(list, subject{name: cost.Pwru, filter: cost.ByProtocol}, subject{name: cost.Pwru, filter: cost.Everything, matches: true})
	}
	return list
}

// traced are the subjects of tracer on all functions beside the first.
var traced = []subject{
	{name: cost.Tracer, filter: cost.ByAddress}, {name: cost.Tracer, filter: cost.ByPort},
	{name: cost.Tracer, filter: cost.Everything, matches: true},
	{name: cost.Tracer, filter: cost.Everything, matches: true, json: true},
}

// running is a subject that was started.
type running struct {
	cmd *exec.Cmd
	// start is the time from exec to the ready file, output the file of its events.
	start  time.Duration
	output string
	folder string
}

// command returns the subject's command line, or nil for the subject nothing.
func (m *meter) command(s subject, backend, ready, output string) []string {
	if s.why != "" {
		return []string{m.tracer, "--backend", backend, "--ready-file", ready, "--output-file", output, "--drop", "--why", s.why, s.filter}
	}
	switch s.name {
	case cost.Floor:
		return []string{"/proc/self/exe", "floor", backend, ready}
	case cost.Tracer:
		return []string{m.tracer, "--backend", backend, "--ready-file", ready, "--output-file", output, fmt.Sprintf("--output-json=%t", s.json), s.filter}
	case cost.Pwru:
		return []string{m.settings.pwru, "--backend", backend, "--ready-file", ready, "--output-file", output, s.filter}
	}
	return nil
}

// longest is the timeout for a start.
const longest = 10 * time.Minute

// begin starts a subject and waits until it is ready.
func (m *meter) begin(s subject, backend string) (*running, error) {
	folder, err := os.MkdirTemp("", "meter")
	if err != nil {
		return nil, err
	}
	r := &running{folder: folder, output: filepath.Join(folder, "output")}
	ready := filepath.Join(folder, "ready")
	words := m.command(s, backend, ready, r.output)
	if words == nil {
		return r, nil
	}
	r.cmd = exec.Command(words[0], words[1:]...)
	errs, err := os.Create(filepath.Join(folder, "errors"))
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	r.cmd.Stderr = errs
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	if err := r.await(ready); err != nil {
		return nil, fmt.Errorf("%q: %w", words, err)
	}
	r.start = time.Since(began)
	return r, nil
}

// await waits until the ready file exists.
func (r *running) await(ready string) error {
	for began := time.Now(); time.Since(began) < longest; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			return nil
		}
		if r.ended() {
			return fmt.Errorf("ended before it was ready: %s", r.said())
		}
	}
	return fmt.Errorf("not ready after %v: %s", longest, r.said())
}

// ended reports whether the process has exited: it is a zombie or does not exist.
func (r *running) ended() bool {
	state, err := stat(r.cmd.Process.Pid)
	return err != nil || state.zombie
}

func (r *running) said() string {
	b, _ := os.ReadFile(filepath.Join(r.folder, "errors"))
	return string(b)
}

// stop interrupts the subject like Ctrl-C, and returns the time until it has exited.
func (r *running) stop() (time.Duration, error) {
	defer os.RemoveAll(r.folder)
	if r.cmd == nil {
		return 0, nil
	}
	return interrupt(r.cmd.Process)
}
