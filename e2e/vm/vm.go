// SPDX-License-Identifier: Apache-2.0

// Package vm runs one command as root on a real kernel, in a virtual machine
// that QEMU emulates: no hardware virtualisation, no network, no disk.
package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Config is a machine and what it is to do.
type Config struct {
	Kernel *Kernel
	// Init is the first process, a static program for the kernel's architecture.
	Init string
	// Files are copied in, as executables: path in the guest to path here.
	Files map[string]string
	// Modules are loaded before the command runs, with what they depend on.
	Modules []string
	// Command is the program and its arguments, Env its whole environment.
	Command []string
	Env     []string
	// Results is the folder that gets the guest's results, its console.log, and in
	// output.log what the command says, while it says it.
	Results string
	// CPUs defaults to 1.
	CPUs int
	// Counting has the guest's clock count its instructions, 2 ns each: what it measures
	// is the same whatever else goes on here. It has one CPU, and is two to three times
	// slower; while nothing runs in it, its time flies.
	Counting bool
	// Args are added to the kernel's command line.
	Args string
}

// Result is the end of a machine that lived to tell.
type Result struct {
	// Code is the command's exit code.
	Code int
	// Boot is from power on to the command, Run the command's time.
	Boot, Run time.Duration
}

// DiedError is a machine that ended before its command did: a kernel panic, an
// emulator that crashed, or a time limit. It says nothing about the command.
type DiedError struct {
	Kernel string
	// Log is the file with what the machine's console said.
	Log string
	// Last is the end of it.
	Last string
	// Cause is what QEMU or the context said, nil for an orderly end of QEMU.
	Cause error
}

func (e *DiedError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("virtual machine %s died: %v; console in %s ends with: %s", e.Kernel, e.Cause, e.Log, e.Last)
	}
	return fmt.Sprintf("virtual machine %s died; console in %s ends with: %s", e.Kernel, e.Log, e.Last)
}

func (e *DiedError) Unwrap() error { return e.Cause }

// Run boots the machine and waits for its end. A machine that dies is given a
// second try, with the first console kept beside the second.
func Run(ctx context.Context, c Config) (*Result, error) {
	r, err := c.boot(ctx, "console.log")
	var died *DiedError
	if errors.As(err, &died) && ctx.Err() == nil {
		r, err = c.boot(ctx, "console-2.log")
	}
	return r, err
}

func (c *Config) cpus() int {
	if c.CPUs == 0 {
		return 1
	}
	return c.CPUs
}

// boot is one try.
func (c *Config) boot(ctx context.Context, log string) (*Result, error) {
	folder, err := os.MkdirTemp("", "tracer-vm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	f, err := c.prepare(folder)
	if err != nil {
		return nil, err
	}
	cmd, err := c.qemu(f)
	if err != nil {
		return nil, err
	}
	screen, cause := watch(ctx, cmd)
	if screen == nil {
		return nil, cause
	}
	return c.finish(screen, cause, filepath.Join(c.Results, log), f.results)
}

// prepare writes the initramfs and names the other files.
func (c *Config) prepare(folder string) (files, error) {
	f := files{
		initrd:  filepath.Join(folder, "initrd"),
		results: filepath.Join(folder, "results.tar"),
		output:  filepath.Join(c.Results, "output.log"),
	}
	err := os.MkdirAll(c.Results, 0o755)
	if err != nil {
		return f, err
	}
	if f.kernel, err = c.Kernel.image(); err != nil {
		return f, err
	}
	data, err := c.initramfs()
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(f.initrd, data, 0o644)
}

// watch runs QEMU and reads the console. The context's end kills the machine.
// No console comes back when QEMU did not start at all.
func watch(ctx context.Context, cmd *exec.Cmd) (*console, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	screen := readConsole(out)
	return screen, errors.Join(cmd.Wait(), ctx.Err())
}

// finish keeps the console and the results, and tells a dead machine from a
// command that ended.
func (c *Config) finish(s *console, cause error, log, results string) (*Result, error) {
	if err := os.WriteFile(log, []byte(s.text), 0o644); err != nil {
		return nil, err
	}
	if !s.exited {
		return nil, &DiedError{Kernel: c.Kernel.Release, Log: log, Last: tail(s.text), Cause: cause}
	}
	if err := extractResults(results, c.Results); err != nil {
		return nil, err
	}
	return &Result{Code: s.code, Boot: s.start, Run: s.exit - s.start}, nil
}

// tail is the end of a text, for an error.
func tail(s string) string {
	const enough = 400
	return s[max(0, len(s)-enough):]
}
